"""Failpoints in what is asked of machines: logins, scripts, and each request of SFTP.

Rule 1: a connection is lost as connections are: it is aborted, and the program finds out itself.
Rule 2: in the midst of a script means at the first word of its answer (it runs on the machine until
its next word finds nobody) or at the last (all is done there); nobody learns what came of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import asyncssh

from sshfleet.model.step import Completed, Run
from sshfleet.transport import files
from sshfleet.transport.attempt import Attempt
from sshfleet.transport.link import Link
from sshfleet.transport.session import Exec
from sshfleet.transport.staging import Staging
from tests.faults.points import POINTS, Kind, die

CLIENT = ("realpath", "lstat", "mkdir", "open", "posix_rename", "remove", "readdir", "statvfs")
FILE = ("stat", "write", "fsync", "close")

_current: ContextVar[asyncssh.SSHClientConnection] = ContextVar("the connection of an SFTP request")


def install() -> None:
    """Put a failpoint before each step."""
    vars_of: list[tuple[Any, str, Callable[..., Any]]] = [
        (Attempt, "_log_in", _log_in),
        (Link, "run", _run),
        (Exec, "data_received", _data_received),
        (Exec, "exit_status_received", _exit_status_received),
        (files, "open_staging", _open_staging),
        (files, "write_files", _on_known_connection),
        (files, "sweep", _on_known_connection),
        *((asyncssh.SFTPClient, name, _request(name)) for name in CLIENT),
        *((asyncssh.SFTPClientFile, name, _request(name)) for name in FILE),
    ]
    for owner, name, wrapper in vars_of:
        setattr(owner, name, _bound(wrapper, getattr(owner, name)))


def _bound(wrapper: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: Any, **named: Any) -> Any:
        return wrapper(real, *words, **named)

    return call


async def _passed(step: str, connection: asyncssh.SSHClientConnection | None) -> None:
    if POINTS.strikes(step, Kind.KILL):
        die()
    if POINTS.strikes(step, Kind.HANG):
        await asyncio.get_running_loop().create_future()
    if POINTS.strikes(step, Kind.DROP):
        if connection is None:
            raise ConnectionResetError("lost by a failpoint")
        connection.abort()


async def _log_in(real: Callable[..., Any], *words: Any) -> asyncssh.SSHClientConnection:
    await _passed("log in", None)
    connection: asyncssh.SSHClientConnection = await real(*words)
    return connection


async def _run(real: Callable[..., Any], link: Link, run: Run, *, sudo: bool) -> Completed:
    await _passed("run", link.connection)
    done: Completed = await real(link, run, sudo=sudo)
    return done


def _data_received(real: Callable[..., Any], work: Exec, data: bytes, datatype: int | None) -> None:
    first = not getattr(work, "answered", False)
    work.answered = True  # type: ignore[attr-defined]
    if not (first and _cut(work, "run, at its first word")):
        real(work, data, datatype)


def _exit_status_received(real: Callable[..., Any], work: Exec, status: int) -> None:
    if not _cut(work, "run, at its end"):
        real(work, status)


def _cut(work: Exec, step: str) -> bool:
    """Pass a moment of an answer; tell whether the connection was lost there."""
    if POINTS.strikes(step, Kind.KILL_MIDWAY):
        die()
    if work.channel is None or not POINTS.strikes(step, Kind.DROP_MIDWAY):
        return False
    work.channel.get_connection().abort()
    return True


_connections: dict[int, asyncssh.SSHClientConnection] = {}
"""The connection of each SFTP client, by the client's identity."""


async def _open_staging(
    real: Callable[..., Any], connection: asyncssh.SSHClientConnection
) -> Staging:
    _current.set(connection)
    await _passed("start SFTP", connection)
    staging: Staging = await real(connection)
    _connections[id(staging.client)] = connection
    return staging


async def _on_known_connection(
    real: Callable[..., Any], staging: Staging, what: Mapping[str, bytes] | int
) -> Any:
    _current.set(_connections[id(staging.client)])
    return await real(staging, what)


def _request(name: str) -> Callable[..., Any]:
    async def call(real: Callable[..., Any], *words: Any, **named: Any) -> Any:
        await _passed(f"SFTP {name}", _current.get())
        return await real(*words, **named)

    return call

"""Machines for the transport's tests: real SSH and SFTP in this process, real shells behind it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from sshfleet.model.machine import Become, Machine, MachineName

USER = "core"


@dataclass(slots=True)
class Server:
    """One machine: where it is, what it did, and how it is to behave.

    `forwards` decides what comes of TCP that it is asked to open, as asyncssh's servers do.
    """

    home: Path
    key: asyncssh.SSHKey
    users: list[asyncssh.SSHKey]
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    rewrite: Callable[[str], str] = str
    port: int = 0
    name: str = USER
    patience: int = 6
    forwards: Callable[[str, int], Any] = lambda _host, _port: True
    logins: int = 0
    asked_about_keys: int = 0
    refused_keys: int = 0
    commands: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    children: list[asyncio.subprocess.Process] = field(default_factory=list)

    def machine(self, name: str = "one", **changes: Any) -> Machine:
        """Return the inventory entry that leads here."""
        said: dict[str, Any] = {"address": "127.0.0.1", "user": USER, "port": self.port}
        said["become"] = Become.NONE
        return Machine(name=MachineName(name), **{**said, **changes})

    def known(self) -> str:
        """Return its line in a known_hosts file."""
        return f"[127.0.0.1]:{self.port} {public(self.key)}\n"


def public(key: asyncssh.SSHKey) -> str:
    """Return a key as a .pub file has it."""
    return key.export_public_key().decode().strip()


class _Login(asyncssh.SSHServer):
    def __init__(self, server: Server, sftp: type["Sftp"] | None, max_sessions: int) -> None:
        self.server, self.sftp, self.max_sessions = server, sftp, max_sessions
        self.tried = 0
        self.sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.server.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self.server.asked_about_keys += 1
        if username == self.server.name and key in self.server.users:
            return True
        self.server.refused_keys += 1
        self.tried += 1
        if self.tried >= self.server.patience:
            raise asyncssh.ProtocolError("Too many authentication failures")
        return False

    def auth_completed(self) -> None:
        self.server.logins += 1

    def session_requested(self) -> "asyncssh.SSHServerProcess[bytes]":
        if self.sessions >= self.max_sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        self.sessions += 1
        return _Session(self)

    def connection_requested(self, host: str, port: int, *_origin: Any) -> Any:
        return self.server.forwards(host, port)


class _Session(asyncssh.SSHServerProcess[bytes]):
    def __init__(self, login: _Login) -> None:
        server, sftp = login.server, None
        if login.sftp:
            sftp = type("Bound", (login.sftp,), {"home": server.home})
        super().__init__(lambda process: _shell(server, process), sftp, 3, False)
        self.login = login

    def connection_lost(self, exc: Exception | None) -> None:
        self.login.sessions -= 1
        super().connection_lost(exc)


class Sftp(asyncssh.SFTPServer):
    """SFTP whose files are below the machine's home."""

    home = Path("/nonexistent")

    def map_path(self, path: bytes) -> bytes:
        return os.fsencode(self.home / os.fsdecode(path))

    def realpath(self, path: bytes) -> bytes:
        return os.fsencode((self.home / os.fsdecode(path)).resolve())


async def _shell(server: Server, process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Run a command as sshd does: when the channel closes its pipes do, and nothing is killed."""
    command = process.command or ""
    server.commands.append(command)
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    child = await asyncio.create_subprocess_exec(
        *server.shell,
        server.rewrite(command),
        cwd=server.home,
        env={"HOME": str(server.home), "PATH": os.environ["PATH"]},
        stdin=asyncio.subprocess.PIPE,
        stdout=out_end,
        stderr=err_end,
        start_new_session=True,
    )
    server.children.append(child)
    os.close(out_end)
    os.close(err_end)
    assert child.stdin
    feeding = asyncio.create_task(_feed(process.stdin, child.stdin))
    try:
        await asyncio.gather(_drain(out, process.stdout), _drain(err, process.stderr))
        status = await child.wait()
        with contextlib.suppress(OSError):
            process.exit(status) if status >= 0 else process.exit_with_signal("KILL")
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed(source: "asyncssh.SSHReader[bytes]", sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except (OSError, asyncssh.Error):
        pass
    finally:
        sink.close()


async def _drain(descriptor: int, sink: "asyncssh.SSHWriter[bytes]") -> None:
    reader = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    try:
        while data := await reader.read(65536):
            sink.write(data)
            await sink.drain()
    except (OSError, asyncssh.Error):
        pass
    finally:
        pipe.close()


@asynccontextmanager
async def serve(
    server: Server,
    *,
    sftp: type[Sftp] | None = Sftp,
    max_sessions: int = 10,
    **options: Any,
) -> AsyncIterator[Server]:
    """Run a machine."""
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        server.port,
        server_factory=lambda: _Login(server, sftp, max_sessions),
        server_host_keys=options.pop("server_host_keys", [server.key]),
        encoding=None,
        **options,
    )
    server.port = acceptor.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        acceptor.close()
        for connection in server.connections:
            connection.abort()
        for child in server.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, 9)
            await child.wait()
        await acceptor.wait_closed()

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.server import Server, Sftp, serve
from tests.transport.waiting import eventually

READ = Run(script='read -r f; cat "$f/a"')


async def a_command_at(server: Server) -> None:
    async def has_begun() -> bool:
        return bool(server.commands)

    await eventually(has_begun)


def line(folder: str) -> bytes:
    return f"{folder}\n".encode()


class Waiting(Sftp):
    """Syncs a file only when a command has been begun."""

    server: Server

    async def fsync(self, file_obj: object) -> None:
        await a_command_at(self.server)


async def test_the_script_is_started_while_the_files_travel(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    Waiting.server = idle_server
    async with serve(idle_server, sftp=Waiting) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        done = await transport.deliver(server.machine(), {"a": b"text"}, READ, line)
    assert done == Completed(status=0, stdout=b"text", stderr=b"")


class Refusing(Sftp):
    """Does not let a file have its name, once a command has been begun."""

    server: Server

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        await a_command_at(self.server)
        raise PermissionError(13, "denied")


async def test_a_script_whose_files_did_not_come_does_nothing(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    Refusing.server = idle_server
    touch = Run(script="touch ran")
    async with serve(idle_server, sftp=Refusing) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError, match=r"cannot write to .*denied"):
            await transport.deliver(server.machine(), {"a": b"text"}, touch, line)
        await asyncio.gather(*(child.wait() for child in server.children))
        assert len(server.children) == 1
    assert not (idle_server.home / "ran").exists()


async def test_a_script_that_cannot_begin_is_told_though_its_files_came(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    idle_server.rewrite = lambda _: "echo 'sudo: a password is required' >&2; exit 1"
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError, match="sudo needs a password"):
            await transport.deliver(server.machine(), {"a": b"text"}, READ, line)


@pytest.mark.parametrize("allowed", [1, 2])
async def test_a_server_that_allows_few_sessions_gets_the_files_and_the_script(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path, allowed: int
) -> None:
    early = replace(options, early_files=True)
    async with (
        serve(idle_server, max_sessions=allowed) as server,
        SshTransport(early) as transport,
    ):
        known_hosts.write_text(server.known())
        done = await transport.deliver(server.machine(), {"a": b"text"}, READ, line)
    assert done.stdout == b"text"


class Hanging(Sftp):
    """Begins, and says nothing more."""

    def realpath(self, path: bytes) -> Any:
        return asyncio.Event().wait()


async def test_sftp_that_begins_and_says_no_more_is_given_up(
    options: SshOptions,
    idle_server: Server,
    agent: Path,
    known_hosts: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sshfleet.transport.link.PUT_SECONDS", 0.5)
    async with serve(idle_server, sftp=Hanging) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError, match=r"SFTP did not begin within 0\.5 s"):
            await transport.deliver(server.machine(), {"a": b""}, READ, line)


async def test_a_folder_that_nothing_can_be_made_of_is_told_at_once(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    def refuse(folder: str) -> bytes:
        raise ValueError(folder)

    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(ValueError, match="staging"):
            await transport.deliver(server.machine(), {"a": b""}, READ, refuse)


async def test_a_connection_that_is_lost_meanwhile_leaves_nothing_waiting(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    class Cutting(Sftp):
        def fsync(self, file_obj: object) -> None:
            idle_server.connections[-1].abort()

    async with serve(idle_server, sftp=Cutting) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError) as caught:
            await transport.deliver(server.machine(), {"a": b"text"}, READ, line)
    assert caught.value.trouble is Trouble.HUNG

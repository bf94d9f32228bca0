"""Files on a machine: exact, private, and never through somebody else's folder or link."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Run
from sshfleet.transport.base import Transport, TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.delivering import put
from tests.transport.server import Server, Sftp, serve
from tests.transport.waiting import eventually

BIG = bytes(range(256)) * 2000


async def untrusted(transport: Transport, server: Server, why: str) -> None:
    with pytest.raises(TransportError, match=why) as caught:
        await put(transport, server.machine(), {"a": b"secret"})
    assert caught.value.trouble is Trouble.UNMANAGEABLE


@pytest.fixture(params=["sftp", "shell"])
async def staged(
    request: pytest.FixtureRequest,
    options: SshOptions,
    idle_server: Server,
    agent: Path,
    known_hosts: Path,
) -> AsyncIterator[tuple[Transport, Server]]:
    sftp = Sftp if request.param == "sftp" else None
    async with serve(idle_server, sftp=sftp) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        yield transport, server


Staged = tuple[Transport, Server]


async def test_files_arrive_exactly_with_and_without_sftp(staged: Staged) -> None:
    transport, server = staged
    files = {"a": BIG, "b": b"", "c": b"name size\n\0\n", "d": b"x\n"}
    folder = Path(await put(transport, server.machine(), files))
    assert folder == server.home / ".sshfleet" / "staging"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}


async def test_files_are_replaced_whole_and_links_are_not_followed(
    staged: Staged, home: Path
) -> None:
    transport, server = staged
    folder = Path(await put(transport, server.machine(), {"a": b"old"}))
    victim = home / "victim"
    victim.write_bytes(b"untouched")
    (folder / "link").symlink_to(victim)
    await put(transport, server.machine(), {"a": b"new", "link": b"file"})
    assert (folder / "a").read_bytes() == b"new"
    assert not (folder / "link").is_symlink()
    assert (folder / "link").read_bytes() == b"file"
    assert victim.read_bytes() == b"untouched"


async def test_what_earlier_runs_left_is_swept_away(staged: Staged) -> None:
    transport, server = staged
    folder = Path(await put(transport, server.machine(), {"recent": b"x"}))
    for name in ("old", ".old.1234"):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (1, 1))
    await put(transport, server.machine("again"), {"new": b"x"})

    async def swept() -> bool:
        return sorted(path.name for path in folder.iterdir()) == ["new", "recent"]

    await eventually(swept)


async def test_a_folder_in_place_of_a_file_is_an_error(staged: Staged) -> None:
    transport, server = staged
    folder = Path(await put(transport, server.machine(), {"b": b"x"}))
    (folder / "a").mkdir()
    with pytest.raises(TransportError, match="cannot write"):
        await put(transport, server.machine(), {"a": b"x"})
    assert sorted(path.name for path in folder.rglob("*")) == ["a", "b"]


@pytest.mark.parametrize("which", [".sshfleet", ".sshfleet/staging"])
async def test_a_folder_that_is_a_link_is_refused(staged: Staged, home: Path, which: str) -> None:
    transport, server = staged
    elsewhere = home / "elsewhere"
    (elsewhere / "staging").mkdir(parents=True, mode=0o700)
    link = server.home / which
    link.parent.mkdir(mode=0o700, exist_ok=True)
    link.symlink_to(elsewhere)
    await untrusted(transport, server, "cannot be trusted")
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("which", [".sshfleet", ".sshfleet/staging"])
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
async def test_a_folder_others_may_write_to_is_refused(
    staged: Staged, which: str, mode: int
) -> None:
    transport, server = staged
    (server.home / ".sshfleet" / "staging").mkdir(parents=True, mode=0o700)
    (server.home / which).chmod(mode)
    await untrusted(transport, server, "cannot be trusted")


@pytest.mark.parametrize("which", [".sshfleet", ".sshfleet/staging"])
async def test_something_else_in_place_of_a_folder_is_refused(staged: Staged, which: str) -> None:
    transport, server = staged
    path = server.home / which
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(b"")
    await untrusted(transport, server, "cannot be trusted")


async def with_sftp(
    options: SshOptions, idle_server: Server, known_hosts: Path, sftp: type[Sftp]
) -> str:
    async with serve(idle_server, sftp=sftp) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        return await put(transport, server.machine(), {"a": BIG, "b": b"x"})


class Foreign(Sftp):
    """Says that what is written belongs to somebody else than the folders do."""

    def fstat(self, file_obj: object) -> Any:
        attributes = asyncssh.SFTPAttrs.from_local(os.fstat(file_obj.fileno()))  # type: ignore[attr-defined]
        attributes.uid = 12345
        return attributes


async def test_a_folder_of_somebody_else_is_refused(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    with pytest.raises(TransportError, match="does not belong"):
        await with_sftp(options, idle_server, known_hosts, Foreign)


class Ordered(Sftp):
    """Notes what was asked for, and in which order it was done."""

    done: list[str]

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        self.done.append(f"write {offset}")
        return super().write(file_obj, offset, data)

    def fsync(self, file_obj: object) -> Any:
        self.done.append("fsync")
        return super().fsync(file_obj)

    def close(self, file_obj: object) -> Any:
        self.done.append("close")
        return super().close(file_obj)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self.done.append("rename")
        return super().posix_rename(oldpath, newpath)


async def test_a_file_is_written_synced_and_closed_before_it_gets_its_name(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    Ordered.done = []
    async with serve(idle_server, sftp=Ordered) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        await put(transport, server.machine(), {"a": b"x" * 70_000})
    assert Ordered.done == ["write 0", "write 32768", "write 65536", "fsync", "close", "rename"]


def failing(operation: str, code: int, free: int = 10**6) -> type[Sftp]:
    """Return an SFTP server where one operation fails like OpenSSH's: it only says "Failure"."""

    def fail(self: Sftp, *_: object) -> None:
        raise asyncssh.SFTPFailure("Failure") if code == errno.ENOSPC else OSError(code, "denied")

    def statvfs(self: Sftp, _: bytes) -> asyncssh.SFTPVFSAttrs:
        return asyncssh.SFTPVFSAttrs(frsize=4096, bavail=free, favail=free)

    return type("Failing", (Sftp,), {operation: fail, "statvfs": statvfs})


@pytest.mark.parametrize("operation", ["open", "write", "fsync", "posix_rename"])
async def test_a_full_disk_is_told_as_such_and_nothing_is_left(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path, operation: str
) -> None:
    full = failing(operation, errno.ENOSPC, free=0)
    with pytest.raises(TransportError, match="disk full") as caught:
        await with_sftp(options, idle_server, known_hosts, full)
    assert caught.value.trouble is Trouble.UNMANAGEABLE
    assert list((idle_server.home / ".sshfleet" / "staging").iterdir()) == []


async def test_a_write_that_fails_for_another_reason_says_so(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    denied = failing("write", errno.EACCES)
    with pytest.raises(TransportError, match=r"cannot write to .*denied"):
        await with_sftp(options, idle_server, known_hosts, denied)


async def test_without_the_extensions_we_need_a_script_writes_the_files(
    options: SshOptions,
    idle_server: Server,
    agent: Path,
    known_hosts: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asyncssh.sftp.SFTPServerHandler._extensions", [])
    folder = Path(await with_sftp(options, idle_server, known_hosts, Sftp))
    assert (folder / "a").read_bytes() == BIG
    assert len(idle_server.commands) == 2  # that script, and the one that the files are for
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]


async def test_early_files_open_sftp_with_the_connection(
    options: SshOptions, server: Server
) -> None:
    async with SshTransport(replace(options, early_files=True)) as transport:
        await asyncio.gather(transport.run(server.machine(), Run(script="sleep 0.5")))
        assert (server.home / ".sshfleet" / "staging").is_dir()


async def test_a_connection_lost_while_writing_is_told(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    class Cut(Sftp):
        def write(self, file_obj: object, offset: int, data: bytes) -> Any:
            idle_server.connections[0].abort()
            return len(data)

    with pytest.raises(TransportError, match="lost while") as caught:
        await with_sftp(options, idle_server, known_hosts, Cut)
    assert caught.value.trouble is Trouble.HUNG


async def test_an_upload_that_takes_too_long_is_given_up(
    options: SshOptions,
    idle_server: Server,
    agent: Path,
    known_hosts: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(Sftp):
        async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
            await asyncio.sleep(3600)

    monkeypatch.setattr("sshfleet.transport.link.PUT_SECONDS", 0.3)
    monkeypatch.setattr("sshfleet.transport.link.SLOWEST", 10**9)
    with pytest.raises(TransportError, match="not written within") as caught:
        await with_sftp(options, idle_server, known_hosts, Slow)
    assert caught.value.trouble is Trouble.UNMANAGEABLE

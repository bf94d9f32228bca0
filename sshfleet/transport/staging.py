"""Files into the login user's staging folder, by SFTP.

Rule 1: the folder and the one above are real directories, ours, and nobody else may write there.
Rule 2: a file appears under its name by rename, from a fresh file that was written and synced. The
requests are sent without waiting for each other but in this order, which the server keeps; one that
failed does not stop the next, so on any error the name is removed again.
"""

import asyncio
import contextlib
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.transport.base import TransportError
from sshfleet.transport.wording import one_line

PARENT = ".sshfleet"
FOLDER = ".sshfleet/staging"
AT_ONCE = 16
CHUNK = 32 * 1024
"""Bytes in one write request: what every SFTP server takes."""

KEPT = 3600
"""Seconds that a staged file is left alone; it is used within the run that wrote it."""

NOT_OURS = "it does not belong to the login user"


class NoSftp(Exception):
    """The machine offers no SFTP, or one that cannot rename or sync as we need it."""


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder on one machine: its absolute path and whom it belongs to."""

    client: asyncssh.SFTPClient
    path: str
    owner: int


async def open_staging(connection: asyncssh.SSHClientConnection) -> Staging:
    """Start SFTP and make the folder ready; raises NoSftp, TransportError or asyncssh.Error."""
    try:
        client = await connection.start_sftp_client()
    except (asyncssh.ChannelOpenError, asyncssh.SFTPError) as error:
        raise NoSftp(str(error)) from error
    home, parent, folder = await asyncio.gather(
        client.realpath("."), _look(client, PARENT), _look(client, FOLDER)
    )
    path = f"{home}/{FOLDER}"
    owner = _trusted_owner(parent or await _make(client, PARENT), f"{home}/{PARENT}")
    if owner != _trusted_owner(folder or await _make(client, FOLDER), path):
        raise _untrusted(path, NOT_OURS)
    if not path.isprintable():
        raise _untrusted(path, "its name has control characters")
    return Staging(client, path, owner)


async def _look(client: asyncssh.SFTPClient, name: str) -> asyncssh.SFTPAttrs | None:
    try:
        return await client.lstat(name)
    except asyncssh.SFTPError as error:
        if _is_lost(error):
            raise
        return None


async def _make(client: asyncssh.SFTPClient, name: str) -> asyncssh.SFTPAttrs:
    try:
        await client.mkdir(name, asyncssh.SFTPAttrs(permissions=0o700))
        return await client.lstat(name)
    except asyncssh.SFTPError as error:
        if _is_lost(error):
            raise
        message = f"cannot make ~/{name}: {one_line(error.reason)}"
        raise TransportError(Trouble.UNMANAGEABLE, message) from error


def _is_lost(error: asyncssh.SFTPError) -> bool:
    return isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection)


def _trusted_owner(attributes: asyncssh.SFTPAttrs, path: str) -> int:
    mode = attributes.permissions or 0
    if not stat.S_ISDIR(mode):
        raise _untrusted(path, "it is no directory")
    if mode & 0o022:
        raise _untrusted(path, f"its mode is {stat.S_IMODE(mode):o}: others may write there")
    return -1 if attributes.uid is None else attributes.uid


def _untrusted(path: str, why: str) -> TransportError:
    message = f"the staging folder {path} cannot be trusted: {why}"
    return TransportError(Trouble.UNMANAGEABLE, message, hint=f"remove {path} on that machine")


async def write_files(staging: Staging, files: Mapping[str, bytes]) -> int:
    """Write files and return the machine's time; raises NoSftp, TransportError, asyncssh.Error."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def write(name: str, data: bytes) -> int:
        async with turns:
            return await _write(staging, name, data)

    done = await asyncio.gather(
        *(write(name, data) for name, data in files.items()), return_exceptions=True
    )
    times = [0]
    for one in done:
        if isinstance(one, BaseException):
            raise one
        times.append(one)
    return max(times)


async def sweep(staging: Staging, now: int) -> None:
    """Remove what earlier runs have left, by the machine's time; raises asyncssh.Error."""
    found = await staging.client.readdir(staging.path)
    stale = [
        str(one.filename)
        for one in found
        if stat.S_ISREG(one.attrs.permissions or 0) and (one.attrs.mtime or now) < now - KEPT
    ]
    await _withdraw(staging.client, *(f"{staging.path}/{name}" for name in stale))


async def _write(staging: Staging, name: str, data: bytes) -> int:
    client, final = staging.client, f"{staging.path}/{name}"
    fresh = f"{staging.path}/.{name}.{secrets.token_hex(4)}"
    try:
        file = await client.open(
            fresh,
            asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL,
            asyncssh.SFTPAttrs(permissions=0o600),
            encoding=None,
            block_size=0,  # else each write is a task of its own and overtaken by the rename
        )
        seen, *done = await asyncio.gather(
            file.stat(),
            *(file.write(chunk, offset) for offset, chunk in _chunks(data)),
            file.fsync(),
            file.close(),
            client.posix_rename(fresh, final),
            return_exceptions=True,
        )
        for error in (seen, *done):
            if isinstance(error, BaseException):
                raise error
    except asyncssh.SFTPError as error:
        await _withdraw(client, fresh, final)
        raise await _explained(error, staging, len(data)) from error
    if not isinstance(seen, asyncssh.SFTPAttrs) or seen.uid != staging.owner:
        raise _untrusted(staging.path, NOT_OURS)
    return seen.mtime or 0


def _chunks(data: bytes) -> Iterator[tuple[int, bytes]]:
    for offset in range(0, len(data), CHUNK):
        yield offset, data[offset : offset + CHUNK]


async def _withdraw(client: asyncssh.SFTPClient, *paths: str) -> None:
    await asyncio.gather(*(client.remove(path) for path in paths), return_exceptions=True)


async def _explained(error: asyncssh.SFTPError, staging: Staging, size: int) -> Exception:
    """Tell a full disk from the rest: the server only says "Failure"."""
    if isinstance(error, asyncssh.SFTPOpUnsupported):
        return NoSftp(str(error))
    if _is_lost(error):
        return error
    with contextlib.suppress(asyncssh.SFTPError):
        disk = await staging.client.statvfs(staging.path)
        if disk.bavail * disk.frsize < size + disk.frsize or not disk.favail:
            message = f"disk full: no room for {size} bytes in {staging.path}"
            return TransportError(Trouble.UNMANAGEABLE, message, hint="free space on that machine")
    message = f"cannot write to {staging.path}: {one_line(error.reason)}"
    return TransportError(Trouble.UNMANAGEABLE, message)

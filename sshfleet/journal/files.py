"""A folder that is ours alone, where it lies when nobody says, and the files in it.

Rule 1: the folder is opened once and every name is looked up inside it (dir_fd), so nobody can
slip another folder in between two steps. Symbolic links are never followed to a file.
Rule 2: after a creation or a rename the folder itself is fsynced, or a power cut may undo it.
Rule 3: no file descriptor is inherited by a program we start (O_CLOEXEC).
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sshfleet.errors import InventoryError, JournalError
from sshfleet.journal.trust import (
    check_file,
    check_folder,
    journal_error,
    told_as_journal_error,
)

README = """\
This folder belongs to sshfleet. It is the memory of one fleet: which units are wanted, and on
which machines they were placed. Keep it, back it up as a whole, and do not edit it.

journal.jsonl       what was decided, one checksummed line each
journal.jsonl.1-99  and the like: what it held before it was shortened, for `history`
journal.jsonl.lock  held while a command works; it stays, and is harmless
observed.json       what was last seen on the machines; may be deleted
standings.json      since when each machine answers or does not; may be deleted

The format, how to check it by hand, and how to mend it: docs/journal.md in sshfleet's source.
"""

# O_NONBLOCK: a pipe in a file's place must not hold us up; plain files do not heed it.
_ALWAYS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PART = 256 * 1024  # bytes read at once


def default_path(fleet_name: str, environ: Mapping[str, str]) -> Path:
    """Return $XDG_STATE_HOME/sshfleet/<fleet>/journal.jsonl (~/.local/state without it).

    Raises InventoryError when the name cannot name a folder, JournalError without a home.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", fleet_name):
        raise InventoryError(
            f"{fleet_name!r:.80} cannot be a fleet's name",
            hint="use letters, digits, dot, dash and underscore; it names the journal's folder",
        )
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):  # the specification: a relative path is to be ignored
        home = environ.get("HOME", "")
        if not home.startswith("/"):
            raise JournalError(
                "there is no home folder to keep the journal in",
                hint="set HOME, or say --journal PATH",
            )
        state = f"{home}/.local/state"
    return Path(state, "sshfleet", fleet_name, "journal.jsonl")


class Folder:
    """An open folder that is ours alone; a context manager."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd

    @classmethod
    def open(cls, path: Path, *, create: bool = False, allow_network_fs: bool = False) -> Self:
        """Open and check a folder; raise FileNotFoundError, or JournalError for all else.

        With `create` it is made when missing, for us alone, with a README inside.
        """
        made = create and _make(path)
        try:
            folder = cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | _ALWAYS))
        except FileNotFoundError:
            raise
        except OSError as problem:
            raise journal_error("open the journal's folder", path, problem) from problem
        try:
            check_folder(folder._fd, path, allow_network_fs=allow_network_fs)
            if made:
                with told_as_journal_error("write", path / "README"):
                    folder.stage("README", README.encode())
        except BaseException:
            folder.close()
            raise
        return folder

    def open_file(self, name: str, flags: int) -> int:
        """Open and check a file in the folder; with O_CREAT it is made for us alone (0600).

        Raises FileNotFoundError, or JournalError for all else.
        """
        path = self.path / name
        try:
            fd = os.open(name, flags | _ALWAYS, 0o600, dir_fd=self._fd)
        except FileNotFoundError:
            raise
        except OSError as problem:
            raise journal_error("open", path, problem) from problem
        try:
            check_file(fd, path)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def stage(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write a whole new file, in place of a left-over one; raise OSError and leave nothing."""
        self.remove(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _ALWAYS
        fd = os.open(name, flags, 0o600, dir_fd=self._fd)
        try:
            write_all(fd, data, 0)
            if durable:
                os.fsync(fd)
        except BaseException:
            with suppress(OSError):
                self.remove(name)
            raise
        finally:
            os.close(fd)

    def rename(self, old: str, new: str) -> None:
        """Put a staged file in the place of another, all at once; raise OSError."""
        os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def link(self, old: str, new: str) -> None:
        """Give a file a second name; raise FileExistsError when that is taken, OSError."""
        os.link(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)

    def names(self) -> list[str]:
        """List what is in the folder; raise OSError."""
        return sorted(os.listdir(self._fd))  # noqa: PTH208 - a Path has no open folder

    def modified(self, name: str) -> float:
        """Return when a file was last written to, in seconds since 1970; raise OSError."""
        return os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mtime

    def remove(self, name: str) -> None:
        """Remove a file if there is one; raise OSError."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)

    def is_at(self, name: str, fd: int) -> bool:
        """Tell whether `name` still means the open file `fd`."""
        try:
            there = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(fd))

    def sync(self) -> None:
        """Make creations and renames last through a power cut; raise OSError."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Let the folder go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write at an offset, in one call unless the system stops half-way; raise OSError."""
    left = memoryview(data)
    while left:
        written = os.pwrite(fd, left, offset)
        left, offset = left[written:], offset + written


def read_parts(fd: int) -> Iterator[bytes]:
    """Read an open file from its first byte to its end; raise OSError."""
    offset = 0
    while part := os.pread(fd, _PART, offset):
        yield part
        offset += len(part)


def read_all(fd: int) -> bytes:
    """Read a whole open file that is small; raise OSError."""
    return b"".join(read_parts(fd))


def _make(path: Path) -> bool:
    """Make a folder and those above it that are missing; tell whether it was us who made it."""
    made = False
    with told_as_journal_error("make the journal's folder", path):
        missing = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
        for folder in reversed(missing):
            try:
                folder.mkdir(mode=0o700)
                made = True
            except FileExistsError:
                made = False  # another sshfleet was faster
            _sync_folder(folder.parent)
    return made


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""One sshfleet at a time: flock(2) on a file beside the journal.

Rule 1: the kernel holds the lock and lets it go with our last file descriptor, however we end.
Whether the file exists, and what is in it, decides nothing; the text is for messages only.
Rule 2: the file is never renamed or deleted by us. Should somebody do it while we work, two may
hold a lock; the journal's file then notices that the other one wrote (`wal`).
Rule 3: readers take no lock.
"""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sshfleet.errors import JournalBusy
from sshfleet.journal.files import Folder, read_all, write_all
from sshfleet.journal.trust import told_as_journal_error

_PAUSE = 0.05  # seconds between two tries
_LONGEST = 120  # characters of the holder's text that a message shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock: told to others who come, and believed by nobody."""

    pid: int
    by: str
    cmd: str
    since: str


class Lock:
    """The journal's lock, held from `take` until `release` or the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, folder: Folder, name: str, holder: Holder, *, wait: float = 0.0) -> Self:
        """Take the lock within `wait` seconds; raise JournalBusy, JournalError."""
        deadline = time.monotonic() + wait
        while True:
            fd = folder.open_file(name, os.O_RDWR | os.O_CREAT)
            try:
                if _locked(folder, name, fd):
                    _leave_word(fd, holder)
                    return cls(fd)
                if time.monotonic() >= deadline:
                    raise _busy(fd, str(folder.path / name))
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)
            time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))

    def release(self) -> None:
        """Let the next one in; doing it twice is harmless."""
        if self._fd >= 0:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def held_by(folder: Folder, name: str) -> str:
    """Say who holds the lock, without touching it: somebody may want it at this moment.

    Nothing when nobody does, or the kernel does not tell (only Linux has /proc/locks); raises
    OSError, JournalError.
    """
    try:
        fd = folder.open_file(name, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        return (_who(fd) or "somebody") if _is_locked(os.fstat(fd).st_ino) else ""
    finally:
        os.close(fd)


def _is_locked(inode: int) -> bool:
    with suppress(OSError):
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return any("FLOCK" in line and line[-3].endswith(f":{inode}") for line in lines)
    return False


def _locked(folder: Folder, name: str, fd: int) -> bool:
    with told_as_journal_error("lock the journal", folder.path / name):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _leave_word(fd: int, holder: Holder) -> None:
    words = {"pid": holder.pid, "by": holder.by, "cmd": holder.cmd, "since": holder.since}
    # Only a message: a full disk must not keep us from a lock that the kernel has given.
    with suppress(OSError):
        os.ftruncate(fd, 0)
        write_all(fd, json.dumps(words).encode() + b"\n", 0)


def _busy(fd: int, place: str) -> JournalBusy:
    who = _who(fd)
    return JournalBusy(
        f"another sshfleet holds the journal{who and ': '}{who}",
        hint="wait for its end with --lock-wait SECONDS; its lock ends with its process",
        place=place,
    )


def _who(fd: int) -> str:
    try:
        words = json.loads(read_all(fd))
    except (OSError, ValueError, RecursionError):
        return ""
    return _told(words) if isinstance(words, dict) else ""


def _told(words: Mapping[str, object]) -> str:
    pid, by, cmd, since = (_plain(words.get(key)) for key in ("pid", "by", "cmd", "since"))
    return f"{by} (pid {pid}) since {since}: {cmd}"


def _plain(value: object) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in str(value))
    return shown[:_LONGEST]

"""Failpoints in what the room `journal` asks of the kernel: its files, the cache and the lock.

Rule 1: `install` comes before the program is imported: it may keep functions of `os` in defaults.
"""

import errno
import fcntl
import os
import sys
from collections.abc import Callable
from typing import Any

from tests.faults.points import POINTS, Kind, die

GROWS = ("open", "mkdir", "pwrite", "write", "fsync", "rename", "replace", "link", "symlink")
"""What can end in ENOSPC (open with O_CREAT only)."""

CHANGES = (*GROWS, "unlink", "rmdir", "ftruncate", "truncate", "fdatasync", "utime", "fchmod")
WRITES = ("pwrite", "write")
READS = ("pread", "read")
NEAR = 4  # frames: pathlib stands between the journal and os.mkdir


def install() -> None:
    """Put a failpoint before each such function of `os`, and before flock."""
    for name in (*CHANGES, *READS):
        setattr(os, name, _passing(name, getattr(os, name)))
    vars(fcntl)["flock"] = _passing("flock", fcntl.flock)


def _passing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: Any, **named: Any) -> Any:
        if not _of_the_journal() or (name == "open" and not words[1] & os.O_CREAT):
            return real(*words, **named)
        if name not in READS:
            POINTS.die_or_hang(name)
        if name in WRITES and POINTS.strikes(name, Kind.KILL_MIDWAY):
            _half(real, *words)
            die()
        if name in GROWS and POINTS.strikes(name, Kind.ENOSPC):
            if name in WRITES:
                _half(real, *words)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if POINTS.strikes(name, Kind.EIO):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*words, **named)

    return call


def _half(real: Callable[..., Any], fd: int, data: bytes, *where: int) -> None:
    """Write half of it, as a full disk and a killed process may."""
    real(fd, memoryview(data)[: len(data) // 2], *where)


def _of_the_journal() -> bool:
    frame = sys._getframe(2)
    for _ in range(NEAR):
        if frame.f_globals.get("__name__", "").startswith("sshfleet.journal"):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False

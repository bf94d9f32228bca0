"""Whether a folder or file may be trusted with the journal, and what the system's errors mean.

Rule 1: what is not right is refused, never repaired: someone else may already have had a hand in
it. Each refusal names the command that mends it.
"""

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshfleet.errors import JournalError
from sshfleet.journal.mounts import fs_type_of, may_be_elsewhere

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up: free some space and run the command again",
    errno.EFBIG: "files may not grow so large here (ulimit -f): raise the limit, then try again",
    errno.EROFS: "the file system is read-only: see why with dmesg, or say --journal PATH",
    errno.EACCES: "see owner and mode with ls -ld; work as the user the journal belongs to",
    errno.EPERM: "see owner, mode and lsattr; work as the user the journal belongs to",
    errno.EIO: "the disk reports errors: see dmesg, and restore a backup on another disk",
    errno.ELOOP: "it is a symbolic link: give --journal the path it points to, or remove the link",
    errno.ENOTDIR: "it is no folder, or a symbolic link to one: give --journal the real path",
}


def journal_error(doing: str, path: Path, problem: OSError) -> JournalError:
    """Say what could not be done: "cannot <doing>: No space left on device"."""
    number = problem.errno or 0
    why = os.strerror(number) if number else str(problem)
    return JournalError(f"cannot {doing}: {why}", hint=_HINTS.get(number, ""), place=str(path))


@contextmanager
def told_as_journal_error(doing: str, path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a JournalError."""
    try:
        yield
    except OSError as problem:
        raise journal_error(doing, path, problem) from problem


def check_folder(fd: int, path: Path, *, allow_network_fs: bool) -> None:
    """Raise JournalError unless the open folder is ours, and on a disk of this computer."""
    check_owner_and_mode(os.fstat(fd), path)
    if not allow_network_fs:
        check_local(fs_type_of(fd), path)


def check_local(fs_type: str, path: Path) -> None:
    """Raise JournalError for a type of file system whose locks and fsync may not hold."""
    if may_be_elsewhere(fs_type):
        raise JournalError(
            f"the journal's folder is on a network file system ({fs_type}), where locks and "
            "fsync cannot be relied on",
            hint="say --journal with a path on a disk of this computer, or insist with "
            "--allow-network-fs and see to it that no two sshfleet work at once",
            place=str(path),
        )


def check_file(fd: int, path: Path) -> None:
    """Raise JournalError unless the open file is a plain file of ours."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise JournalError(
            "this is not a plain file", hint="say --journal with another path", place=str(path)
        )
    check_owner_and_mode(status, path)


def check_owner_and_mode(status: os.stat_result, path: Path) -> None:
    """Raise JournalError for what belongs to others, or what others may write to."""
    quoted = shlex.quote(str(path))
    if status.st_uid not in (os.geteuid(), 0):
        raise JournalError(
            f"this belongs to user {status.st_uid}, not to you (user {os.geteuid()})",
            hint=f"work as that user, or make it yours: chown {os.geteuid()} {quoted}",
            place=str(path),
        )
    if _others_may_write(status):
        raise JournalError(
            f"others may write here (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"see that nothing was changed, then: chmod go-w {quoted}",
            place=str(path),
        )


def _others_may_write(status: os.stat_result) -> bool:
    """Tell whether somebody else could write into a file, or put another one in its place.

    In a folder with the sticky bit (/tmp) nobody can touch what is ours, and a group of the same
    number as the folder's owner (umask 002) is that user alone.
    """
    risky = stat.S_IWOTH | stat.S_IWGRP
    if stat.S_ISDIR(status.st_mode):
        if status.st_mode & stat.S_ISVTX:
            return False
        if status.st_gid == status.st_uid:
            risky = stat.S_IWOTH
    return bool(status.st_mode & risky)

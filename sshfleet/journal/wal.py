"""The journal's file, open for its one writer.

Rule 1: an append is one write at the known end, then fsync; only then has it happened. The lines
of one append are ordered so that any leading part of them is sound.
Rule 2: after any error or interruption of a write nothing more is written through this object.
The file is cut back to its last good end if that still works; fsync is never tried again, for a
second one may report a success that did not happen.
Rule 3: what is read at opening was perhaps never fsynced by the process that wrote it, so that is
made up for before anybody acts on it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

from sshfleet.errors import JournalError
from sshfleet.journal.codec import Malformed
from sshfleet.journal.files import Folder, read_all, write_all
from sshfleet.journal.log import Log, scan
from sshfleet.journal.record import Stamp, encode
from sshfleet.journal.snapshot import Snapshot, worth_it
from sshfleet.journal.trust import told_as_journal_error
from sshfleet.model.event import Event

Fsync = Callable[[int], None]


def read_log(folder: Folder, name: str) -> Log:
    """Read a journal without a lock and without changing it; a missing one is empty."""
    path = folder.path / name
    try:
        fd = folder.open_file(name, os.O_RDONLY)
    except FileNotFoundError:
        return Log(records=[], size=0, torn=b"")
    try:
        with told_as_journal_error("read the journal", path):
            data = read_all(fd)
    finally:
        os.close(fd)
    return scan(data, path)


class Wal:
    """The open file and its end: where the next line goes and what it follows."""

    def __init__(self, folder: Folder, name: str, fsync: Fsync = os.fsync) -> None:
        self.path = folder.path / name
        self._folder, self._name, self._fsync = folder, name, fsync
        self._fd = -1  # no file yet: it is made by the first append
        self._end, self._seq, self._sum = 0, 0, ""
        self._broken = ""

    @classmethod
    def open(cls, folder: Folder, name: str, fsync: Fsync = os.fsync) -> tuple[Self, Log]:
        """Open a journal whose lock is held, cut a torn tail off, and return what it says.

        What is cut off is kept in `<name>.torn`. Raises JournalError, JournalCorrupt.
        """
        wal = cls(folder, name, fsync)
        try:
            wal._fd = folder.open_file(name, os.O_RDWR)
        except FileNotFoundError:
            return wal, Log(records=[], size=0, torn=b"")
        try:
            with told_as_journal_error("read the journal", wal.path):
                log = scan(read_all(wal._fd), wal.path)
                wal._recover(log)
        except BaseException:
            wal.close()
            raise
        return wal, log

    def append(self, events: Sequence[Event], stamp: Stamp) -> None:
        """Write events as one batch and make them last; raise JournalError, and then it is over."""
        self._check_usable()
        lines, seq, digest = self._encoded(events, stamp)
        data = b"".join(lines)
        with self._broken_by_errors("write the journal"):
            self._write(data)
        self._end, self._seq, self._sum = self._end + len(data), seq, digest

    def compact(self, snapshot: Snapshot, stamp: Stamp) -> bool:
        """Replace the file by a snapshot if that makes it much smaller; tell whether it did.

        Raises OSError when nothing was changed, JournalError when writing has ended for good.
        """
        self._check_usable()
        if not worth_it(self._end, 0):  # at nearly every opening: do not encode the state for that
            return False
        line, digest = encode(snapshot, stamp, seq=self._seq + 1, prev=self._sum)
        if not worth_it(self._end, len(line)):
            return False
        staged = f".{self._name}.new"
        self._folder.stage(staged, line)
        with self._broken_by_errors("replace the journal by its snapshot"):
            self._replace_by(staged)
        self._end, self._seq, self._sum = len(line), self._seq + 1, digest
        return True

    def close(self) -> None:
        """Close the file; later appends are refused."""
        self._broken = self._broken or "it is closed"
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _recover(self, log: Log) -> None:
        if log.records:
            self._seq, self._sum = log.records[-1].seq, log.records[-1].sum
        self._end = log.size
        if log.torn:
            kept = f"{self._name}.torn"
            self._folder.stage(f".{kept}", log.torn)
            self._folder.rename(f".{kept}", kept)
            os.ftruncate(self._fd, log.size)
        self._fsync(self._fd)
        self._folder.sync()

    def _encoded(self, events: Sequence[Event], stamp: Stamp) -> tuple[list[bytes], int, str]:
        lines, seq, digest = [], self._seq, self._sum
        for event in events:
            seq += 1
            try:
                line, digest = encode(event, stamp, seq=seq, prev=digest)
            except Malformed as problem:
                raise JournalError(
                    f"{type(event).__name__} cannot be written: {problem}",
                    hint="nothing was written; this is a bug in sshfleet, please report it",
                    place=str(self.path),
                ) from problem
            lines.append(line)
        return lines, seq, digest

    def _write(self, data: bytes) -> None:
        created = self._fd < 0
        if created:
            self._fd = self._folder.open_file(self._name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        write_all(self._fd, data, self._end)
        self._fsync(self._fd)
        if created:
            self._folder.sync()

    def _replace_by(self, staged: str) -> None:
        self._folder.rename(staged, self._name)
        self._folder.sync()
        fd = self._folder.open_file(self._name, os.O_RDWR)
        os.close(self._fd)
        self._fd = fd

    @contextmanager
    def _broken_by_errors(self, doing: str) -> Iterator[None]:
        """End the writing for good when the block fails, Ctrl-C in its midst included."""
        try:
            with told_as_journal_error(doing, self.path):
                yield
        except BaseException:
            self._broken = "an earlier write failed"
            if self._fd >= 0:
                with suppress(OSError):
                    os.ftruncate(self._fd, self._end)
            raise

    def _check_usable(self) -> None:
        if not self._broken and self._fd >= 0 and self._changed_by_others():
            self._broken = "it was replaced or changed while this command held its lock"
        if self._broken:
            raise JournalError(
                f"nothing more is written to the journal: {self._broken}",
                hint="run the command again, once no restore or sync tool writes there",
                place=str(self.path),
            )

    def _changed_by_others(self) -> bool:
        with told_as_journal_error("look at the journal", self.path):
            size = os.fstat(self._fd).st_size
            return size != self._end or not self._folder.is_at(self._name, self._fd)

"""The journal's file, open for its one writer.

Rule 1: an append is one write at the known end, then fsync; only then has it happened. Each of its
lines says which others belong to it: cut off anywhere, none of them counts.
Rule 2: after any error or interruption of a write nothing more is written through this object.
The file is cut back to its last good end if that still works; fsync is never tried again, for a
second one may report a success that did not happen.
Rule 3: the first lines, and a snapshot, are a whole file before they get the journal's name: so no
crash leaves a file without one good line.
Rule 4: what is read at opening was perhaps never fsynced by the process that wrote it, so that is
made up for before anybody acts on it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from sshfleet.errors import JournalError
from sshfleet.journal import archive
from sshfleet.journal.codec import Malformed
from sshfleet.journal.files import Folder, read_parts, write_all
from sshfleet.journal.log import Reading
from sshfleet.journal.record import Stamp, encode
from sshfleet.journal.snapshot import Snapshot, worth_it
from sshfleet.journal.trust import told_as_journal_error
from sshfleet.model.event import Event


@contextmanager
def reading(folder: Folder, name: str) -> Iterator[Reading]:
    """Read a journal without a lock and without changing it; a missing one is empty."""
    try:
        fd = folder.open_file(name, os.O_RDONLY)
    except FileNotFoundError:
        yield Reading((), folder.path / name)
        return
    try:
        yield Reading(_parts(fd, folder.path / name), folder.path / name)
    finally:
        os.close(fd)


class Wal:
    """The open file and its end: where the next line goes and what it follows."""

    def __init__(self, folder: Folder, name: str) -> None:
        self.path = folder.path / name
        self._folder, self._name = folder, name
        self._fd = -1  # no file yet: it is made by the first append
        self._first, self._seq, self._sum = 0, 0, ""
        self._size, self._snapshot = 0, 0  # bytes: of all, and of the first line if it is one
        self._broken = "it was not read yet"

    @classmethod
    def open(cls, folder: Folder, name: str) -> Self:
        """Open a journal whose lock is held; raise JournalError.

        Then it must be read to its end (`reading`), and what was found there made up for
        (`recover`), before anything can be appended.
        """
        wal = cls(folder, name)
        with suppress(FileNotFoundError):
            wal._fd = folder.open_file(name, os.O_RDWR)
        return wal

    def reading(self) -> Reading:
        """Return a pass over the file."""
        return Reading(_parts(self._fd, self.path), self.path)

    def recover(self, read: Reading) -> None:
        """Begin where a pass over the file has ended; cut a torn tail off; raise JournalError.

        What is cut off is kept in `<name>.torn`.
        """
        self._first, self._seq, self._sum = read.first, read.seq, read.sum
        self._size, self._snapshot = read.size, read.snapshot
        if not read.lines:
            archive.check_not_lost(self._folder, self._name)
        if self._fd >= 0:
            with told_as_journal_error("recover the journal", self.path):
                self._make_up(read.torn)
        self._broken = ""

    def append(self, events: Sequence[Event], stamp: Stamp) -> None:
        """Write events as one batch and make them last; raise JournalError, and then it is over."""
        self._check_usable()
        lines, seq, digest = self._encoded(events, stamp)
        data = b"".join(lines)
        with self._broken_by_errors("write the journal", cut_back=self._size > 0):
            self._write(data)
        self._first = self._first or self._seq + 1
        self._size, self._seq, self._sum = self._size + len(data), seq, digest

    def worth_compacting(self) -> bool:
        """Tell whether `compact` would make the file much smaller."""
        return not self._broken and worth_it(self._size - self._snapshot, self._snapshot)

    def compact(self, snapshot: Snapshot, stamp: Stamp) -> None:
        """Keep the file as an archive and put a snapshot in its place.

        Raises OSError when nothing was changed, JournalError when writing has ended for good.
        """
        self._check_usable()
        line, digest = encode(snapshot, stamp, seq=self._seq + 1, prev=self._sum)
        self._folder.stage(self._staged, line)
        archive.keep_as_archive(
            self._folder, self._name, first=self._first, last=self._seq, sum=self._sum
        )
        with self._broken_by_errors("replace the journal by its snapshot"):
            self._folder.sync()  # first the archive: or a power cut may leave neither name
            self._replace_by(self._staged)
        self._first = self._seq = self._seq + 1
        self._size, self._snapshot, self._sum = len(line), len(line), digest

    def forget(self, moment: float) -> None:
        """Remove archives last written to before it (seconds since 1970), if that can be."""
        with suppress(OSError):
            archive.remove_older(self._folder, self._name, moment)

    def close(self) -> None:
        """Close the file; later appends are refused."""
        self._broken = self._broken or "it is closed"
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def _staged(self) -> str:
        return f".{self._name}.new"

    def _make_up(self, torn: bytes) -> None:
        """Undo and complete what a command that was cut off has left."""
        self._folder.remove(self._staged)
        if os.fstat(self._fd).st_nlink > 1:
            archive.undo_unfinished(self._folder, self._name, self._fd)
        if torn:
            kept = f"{self._name}.torn"
            self._folder.stage(f".{kept}", torn)
            self._folder.rename(f".{kept}", kept)
            os.ftruncate(self._fd, self._size)
        os.fsync(self._fd)
        self._folder.sync()

    def _encoded(self, events: Sequence[Event], stamp: Stamp) -> tuple[list[bytes], int, str]:
        lines, seq, digest = [], self._seq, self._sum
        together = range(seq + 1, seq + 1 + len(events))
        for event in events:
            seq += 1
            try:
                line, digest = encode(event, stamp, seq=seq, prev=digest, together=together)
            except Malformed as problem:
                raise JournalError(
                    f"{type(event).__name__} cannot be written: {problem}",
                    hint="nothing was written; this is a bug in sshfleet, please report it",
                    place=str(self.path),
                ) from problem
            lines.append(line)
        return lines, seq, digest

    def _write(self, data: bytes) -> None:
        if self._size:
            write_all(self._fd, data, self._size)
            os.fsync(self._fd)
            return
        self._folder.stage(self._staged, data)
        if self._fd < 0:  # unlike a rename, a link fails should another have been faster
            self._folder.link(self._staged, self._name)
            self._folder.remove(self._staged)
            self._reopen()
        else:
            self._replace_by(self._staged)

    def _replace_by(self, staged: str) -> None:
        self._folder.rename(staged, self._name)
        self._reopen()

    def _reopen(self) -> None:
        self._folder.sync()
        fd = self._folder.open_file(self._name, os.O_RDWR)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd

    @contextmanager
    def _broken_by_errors(self, doing: str, *, cut_back: bool = False) -> Iterator[None]:
        """End the writing for good when the block fails, Ctrl-C in its midst included.

        With `cut_back` the file gets its old size again, if that still works.
        """
        try:
            with told_as_journal_error(doing, self.path):
                yield
        except BaseException:
            self._broken = "an earlier write failed"
            if cut_back and self._fd >= 0:
                with suppress(OSError):
                    os.ftruncate(self._fd, self._size)
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
            return size != self._size or not self._folder.is_at(self._name, self._fd)


def _parts(fd: int, path: Path) -> Iterator[bytes]:
    if fd >= 0:
        with told_as_journal_error("read the journal", path):
            yield from read_parts(fd)

"""A damaged journal: what is good in it, and how to go on from there.

Rule 1: the broken file is kept, whole and under a name of its own, before anything else is done.
Rule 2: the good part takes its place at once or not at all; killed anywhere in between, the journal
is as damaged as before and can be repaired again.
Rule 3: what follows the first bad record is not put back: each record was decided upon all before
it, and the chain that proves it is the next one is broken.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sshfleet.errors import JournalCorrupt, JournalError
from sshfleet.journal.archive import archives, undo_unfinished
from sshfleet.journal.files import Folder, read_all
from sshfleet.journal.lock import Holder, Lock
from sshfleet.journal.log import NotAJournal, Reading
from sshfleet.journal.record import Record
from sshfleet.journal.snapshot import Snapshot
from sshfleet.journal.store import check_name
from sshfleet.journal.trust import told_as_journal_error
from sshfleet.journal.wal import reading
from sshfleet.model.desired import CannotFold, DesiredState, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The first bad line of a journal and why, and what would be lost with it (lines, bytes).

    The lines that were written together with it are lost, too, those before it as well.
    """

    line: int
    problem: str
    lost_lines: int
    lost_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A journal as found: its good records, the state they leave, and the damage after them.

    `size` are the bytes of the good records, `last` is from when the last of them is, `torn` the
    bytes of an incomplete line at the end, `archive` the path of the newest archive or nothing.
    """

    path: Path
    records: int
    size: int
    last: datetime | None
    state: DesiredState
    torn: int
    damage: Damage | None
    archive: str


class Repair:
    """A journal under its lock, examined; `cut` repairs it."""

    def __init__(self, folder: Folder, path: Path) -> None:
        self._folder, self._name = folder, path.name
        self.found = _examined(folder, path)

    @classmethod
    @contextmanager
    def opened(
        cls, path: Path, holder: Holder, *, lock_wait: float = 0.0, allow_network_fs: bool = False
    ) -> Iterator["Repair"]:
        """Lock and examine the journal at `path`; raise TryLater, JournalError.

        What was written by a newer sshfleet, or is no journal at all, is no damage but refused.
        """
        check_name(path)
        try:
            folder = Folder.open(path.parent, allow_network_fs=allow_network_fs)
        except FileNotFoundError:
            raise _missing(path) from None
        with folder:
            lock = Lock.take(folder, f"{path.name}.lock", holder, wait=lock_wait)
            try:
                yield cls(folder, path)
            finally:
                lock.release()

    def cut(self, at: datetime) -> str:
        """Cut the journal off before its damage; return the path of the kept broken file.

        Raises JournalError; then the damaged journal is still there.
        """
        staged = f".{self._name}.new"
        with told_as_journal_error("repair the journal", self.found.path):
            fd = self._folder.open_file(self._name, os.O_RDONLY)
            try:
                good = read_all(fd)[: self.found.size]
                os.fsync(fd)
                undo_unfinished(self._folder, self._name, fd)
            finally:
                os.close(fd)
            kept = self._keep(at)
            self._folder.sync()  # first the broken file's new name: or neither may be left
            self._folder.stage(staged, good)
            self._folder.rename(staged, self._name)
            self._folder.sync()
        return str(self._folder.path / kept)

    def _keep(self, at: datetime) -> str:
        base = f"{self._name}.damaged-{at:%Y%m%dT%H%M%SZ}"
        number = 1
        while True:
            name = base if number == 1 else f"{base}-{number}"
            with suppress(FileExistsError):
                self._folder.link(self._name, name)
                return name
            number += 1


class _Good:
    """The good records so far, and what they make; `size` in bytes."""

    def __init__(self) -> None:
        self.records, self.size = 0, 0
        self.last: datetime | None = None
        self.state = DesiredState()

    def take(self, record: Record, size: int) -> None:
        """Fold one more record, up to `size` bytes of the file; raise CannotFold."""
        event = record.event
        self.state = event.state if isinstance(event, Snapshot) else fold(self.state, [event])
        self.records, self.size, self.last = self.records + 1, size, record.at


def _examined(folder: Folder, path: Path) -> Examined:
    with told_as_journal_error("examine the journal", path), reading(folder, path.name) as read:
        if path.name not in folder.names():
            raise _missing(path)
        good = _Good()
        damage = _damage(folder, read, good)
        newest = archives(folder, path.name)[-1:]
    return Examined(
        path=path,
        records=good.records,
        size=good.size,
        last=good.last,
        state=good.state,
        torn=len(read.torn),
        damage=damage,
        archive=str(path.parent / newest[0].name) if newest else "",
    )


def _damage(folder: Folder, read: Reading, good: _Good) -> Damage | None:
    try:
        for record in read:
            good.take(record, read.size)
    except NotAJournal:
        raise
    except JournalCorrupt as problem:
        why, line = problem.message, int(problem.place.rpartition(":")[2])
    except CannotFold as problem:
        why, line = f"it says that {problem}", good.records + 1
    else:
        return None
    fd = folder.open_file(read.path.name, os.O_RDONLY)
    try:
        lost = read_all(fd)[good.size :]
    finally:
        os.close(fd)
    lines = lost.count(b"\n") + (not lost.endswith(b"\n"))
    return Damage(line=line, problem=why, lost_lines=lines, lost_bytes=len(lost))


def _missing(path: Path) -> JournalError:
    return JournalError(
        "there is no journal",
        hint="say --journal with the path of the one to repair",
        place=str(path),
    )

"""Every record that is still kept: those of the archives, then those of the journal.

Rule 1: without a lock: a compaction meanwhile changes nothing of what is told.
Rule 2: each record once. Where files overlap they must agree, or the journal has two pasts.
Rule 3: a gap between two files is history that was not kept. Within a file all must be there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshfleet.errors import JournalCorrupt
from sshfleet.journal.archive import Archive, archives
from sshfleet.journal.files import Folder
from sshfleet.journal.log import Reading
from sshfleet.journal.record import Record
from sshfleet.journal.snapshot import Snapshot
from sshfleet.journal.trust import told_as_journal_error
from sshfleet.journal.wal import reading


def history(folder: Folder, name: str) -> Iterator[Record]:
    """Yield all records but snapshots, oldest first; raise JournalError, JournalCorrupt."""
    told = _Told()
    with _at_one_moment(folder, name) as (kept, journal):
        for one in kept:
            with reading(folder, one.name) as archive:
                yield from told.more(archive)
                if archive.torn:
                    raise _damaged(archive.path, archive.lines + 1, "this archive ends too early")
        yield from told.more(journal)
        if journal.lines and journal.seq < told.seq:
            raise _two_pasts(journal.path, journal.lines)


class _Told:
    """Which record was told last."""

    def __init__(self) -> None:
        self.seq, self.sum = 0, ""

    def more(self, records: Reading) -> Iterator[Record]:
        """Yield what was not told yet."""
        for record in records:
            if record.seq < self.seq:
                continue
            before = record.sum if record.seq == self.seq else record.prev
            if record.seq <= self.seq + 1 and before != self.sum:
                raise _two_pasts(records.path, records.lines)
            if record.seq > self.seq and not isinstance(record.event, Snapshot):
                yield record
            self.seq, self.sum = record.seq, record.sum


@contextmanager
def _at_one_moment(folder: Folder, name: str) -> Iterator[tuple[list[Archive], Reading]]:
    """Open the journal and list its archives, with no compaction in between."""
    while True:
        before = _listed(folder, name)
        with reading(folder, name) as journal:
            if _listed(folder, name) == before:
                yield before, journal
                return


def _listed(folder: Folder, name: str) -> list[Archive]:
    with told_as_journal_error("list the journal's folder", folder.path):
        return archives(folder, name)


def _two_pasts(path: Path, line: int) -> JournalCorrupt:
    return _damaged(path, line, "this does not follow the records of the archives before it")


def _damaged(path: Path, line: int, problem: str) -> JournalCorrupt:
    return JournalCorrupt(
        problem,
        hint="only history is concerned: was an older journal restored? "
        "Move archives that do not belong to it to another folder",
        place=f"{path}:{line}",
    )

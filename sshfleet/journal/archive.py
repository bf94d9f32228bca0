"""What the journal held before it was compacted, kept for `history` under names of its own.

An archive is the journal's old file: `journal.jsonl.1-2731.9f86d081`, from record 1 to 2731, of
which the last one's sum begins so. Together, archives and journal hold one chain.

Rule 1: no archive is needed to know the state. One that is gone is history that was not kept. But a
journal that is gone while archives are there is no new one.
Rule 2: an archive is never written to. For a moment of each compaction archive and journal are two
names of one file; what a crash leaves of that is undone before anything is appended.
Rule 3: two files of one name hold the same records, because the name has their sum.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

from sshfleet.errors import JournalError
from sshfleet.journal.files import Folder
from sshfleet.journal.trust import told_as_journal_error


@dataclass(frozen=True, slots=True, order=True)
class Archive:
    """One archive's range of records, and its name in the journal's folder."""

    first: int
    last: int
    name: str


def archives(folder: Folder, journal: str) -> list[Archive]:
    """List the archives of a journal, oldest records first; raise OSError."""
    pattern = re.compile(re.escape(journal) + r"\.([1-9]\d{0,15})-([1-9]\d{0,15})\.[0-9a-f]{8}")
    found = map(pattern.fullmatch, folder.names())
    return sorted(Archive(int(match[1]), int(match[2]), match[0]) for match in found if match)


def check_not_lost(folder: Folder, journal: str) -> None:
    """Raise JournalError for a journal without a line that has archives: it is gone, not new."""
    with told_as_journal_error("list the journal's folder", folder.path):
        kept = archives(folder, journal)
    if kept:
        raise JournalError(
            f"the journal is gone, but what it held before is in {kept[-1].name}",
            hint="restore it from a backup, or copy that file to it and go on from there "
            "(docs/journal.md); before sshfleet adopt, move the archives to another folder",
            place=str(folder.path / journal),
        )


def keep_as_archive(folder: Folder, journal: str, *, first: int, last: int, sum: str) -> None:
    """Give the journal's file its name as an archive; raise OSError."""
    with suppress(FileExistsError):  # the same records: an old copy of the journal was restored
        folder.link(journal, f"{journal}.{first}-{last}.{sum[:8]}")


def undo_unfinished(folder: Folder, journal: str, fd: int) -> None:
    """Remove archives that are the journal itself, open as `fd`; raise OSError."""
    for archive in archives(folder, journal):
        if folder.is_at(archive.name, fd):
            folder.remove(archive.name)


def remove_older(folder: Folder, journal: str, moment: float) -> None:
    """Remove archives last written to before a moment (seconds since 1970), oldest first."""
    for archive in archives(folder, journal):
        if folder.modified(archive.name) > moment:
            return
        folder.remove(archive.name)

"""What a journal is like as a file: where, how large, who may write it, who holds its lock."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sshfleet.journal.archive import archives
from sshfleet.journal.files import Folder
from sshfleet.journal.lock import held_by
from sshfleet.journal.trust import told_as_journal_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Sizes in bytes; `mode` as chmod takes it; `written` in seconds since 1970; `holder` as told
    to whoever comes second, empty when nobody works."""

    size: int
    mode: int
    written: float
    archives: int
    holder: str


def condition(path: Path) -> Condition | None:
    """Look at the journal at `path`; None when there is none yet. Raises JournalError."""
    try:
        with Folder.open(path.parent, allow_network_fs=True) as folder:
            fd = folder.open_file(path.name, os.O_RDONLY)
            try:
                status = os.fstat(fd)
            finally:
                os.close(fd)
            with told_as_journal_error("look at the journal's folder", path):
                return Condition(
                    size=status.st_size,
                    mode=stat.S_IMODE(status.st_mode),
                    written=status.st_mtime,
                    archives=len(archives(folder, path.name)),
                    holder=held_by(folder, f"{path.name}.lock"),
                )
    except FileNotFoundError:
        return None

"""How each machine has stood, look after look: what failover counts, and people are told.

It lies beside the journal in `standings.json` and is not part of it.
Rule 1: it is only a cache: what is damaged, of another version or not there is nothing, and nothing
is an error. Without it every silence begins anew: it may count too little, and never too much.
Rule 2: nothing is silent for longer than was seen. So a look that cannot be written down removes
what it would have replaced, and a look that nobody at all answered counts for no machine.
Rule 3: two at once take turns, and each folds its look into what the other has left.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

from sshfleet.errors import JournalError
from sshfleet.journal.files import Folder, read_all
from sshfleet.journal.standing_row import Look, Row, fold
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed, Reached, Trouble, Unreachable
from sshfleet.model.standing import Standing

VERSION = 1
_NAME = "standings.json"
_LOCK = "standings.json.lock"
_PATIENCE = 2.0  # seconds; whoever holds the lock needs a few thousandths of one
_PAUSE = 0.01

NO_SIGN_OF_LIFE = frozenset({Trouble.SILENT, Trouble.HUNG, Trouble.FAULT_HERE})

Rows = dict[MachineName, Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The file's content; `journal` is the name of the journal it belongs to."""

    version: int
    journal: str
    machines: Rows = field(default_factory=dict)


def noted(
    path: Path,
    observed: Observed,
    now: datetime,
    boottime_ms: int,
    boot_id: str,
    *,
    began_ms: int | None = None,
) -> Mapping[MachineName, Standing]:
    """Note a look at the fleet beside the journal at `path`; return how all machines stand.

    `now` is wall time with its zone; `boottime_ms` is CLOCK_BOOTTIME of this computer, in its boot
    `boot_id` (empty when it cannot be told: then nothing is ever counted). `began_ms` is the same
    clock when the look began; give it where looks of two processes may overlap.
    """
    began = boottime_ms if began_ms is None else min(began_ms, boottime_ms)

    def look(report: Reached | Unreachable) -> Look:
        away = report if isinstance(report, Unreachable) else None
        return Look(
            trouble=away.trouble if away else None,
            detail=away.detail if away else "",
            at=now,
            boot=boot_id,
            began=began,
            ended=boottime_ms,
            blind=blind(observed),
        )

    looks = {name: look(report) for name, report in observed.reports.items()}
    return _standings(_folded(path, looks), boot_id)


def known(path: Path, boot_id: str) -> Mapping[MachineName, Standing]:
    """Return how all machines stood when somebody last looked; nothing where that is no use."""
    try:
        with Folder.open(path.parent, allow_network_fs=True) as folder:
            return _standings(_rows(_read(folder), path.name), boot_id)
    except (OSError, JournalError):
        return {}


def blind(observed: Observed) -> bool:
    """Tell whether several machines were asked and none gave a sign of life.

    Then the fault is most likely here, and nothing is learnt about any of them.
    """
    reports = observed.reports.values()
    return len(reports) > 1 and all(
        isinstance(report, Unreachable) and report.trouble in NO_SIGN_OF_LIFE for report in reports
    )


def _standings(rows: Mapping[MachineName, Row], boot_id: str) -> dict[MachineName, Standing]:
    return {name: row.standing(boot_id) for name, row in rows.items()}


def _folded(path: Path, looks: Mapping[MachineName, Look]) -> Rows:
    """Fold looks into what is known, on disk as well; alone they stand where that fails."""
    alone = {name: fold(None, look) for name, look in looks.items()}
    if not looks:
        with suppress(OSError, JournalError), Folder.open(path.parent, allow_network_fs=True) as at:
            return _rows(_read(at), path.name)
        return {}
    try:
        with Folder.open(path.parent, create=True, allow_network_fs=True) as folder:
            try:
                return _replaced(folder, path.name, looks)
            except (OSError, JournalError, ValueError):
                folder.remove(_NAME)
    except (OSError, JournalError):
        pass
    return alone


def _replaced(folder: Folder, journal: str, looks: Mapping[MachineName, Look]) -> Rows:
    with _alone(folder):
        data = _read(folder)
        rows = _rows(data, journal)
        rows |= {name: fold(rows.get(name), look) for name, look in looks.items()}
        content = _File(version=VERSION, journal=journal, machines=rows)
        _write(folder, content, replaces=data is not None)
    return rows


@contextmanager
def _alone(folder: Folder) -> Iterator[None]:
    """Hold the lock; raise TimeoutError when somebody keeps it, such as a stopped process."""
    fd = folder.open_file(_LOCK, os.O_RDWR | os.O_CREAT)
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError from None
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(fd)


def _write(folder: Folder, content: _File, *, replaces: bool) -> None:
    """Replace the file as a whole, unless somebody who did not get the lock has removed it."""
    import msgspec

    staged = f".{_NAME}.{os.getpid()}"
    folder.stage(staged, msgspec.json.encode(content), durable=False)
    if replaces and _NAME not in folder.names():
        folder.remove(staged)
    else:
        folder.rename(staged, _NAME)


def _read(folder: Folder) -> bytes | None:
    try:
        fd = folder.open_file(_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return read_all(fd)
    finally:
        os.close(fd)


def _rows(data: bytes | None, journal: str) -> Rows:
    try:
        content = _decoder()(data or b"")
    except (ValueError, RecursionError):
        return {}
    rows = content.machines
    if content.version != VERSION or content.journal != journal:
        return {}
    return rows if all(row.is_sound for row in rows.values()) else {}


@cache
def _decoder() -> Callable[[bytes], _File]:
    import msgspec

    return msgspec.json.Decoder(_File).decode

"""What was last observed on the machines, for lists with `--cached`.

It lies beside the journal and is not part of it. Rule 1: it is only a cache: what is damaged, of
another version or not there is nothing, what cannot be saved is not, and neither is an error.
Rule 2: it is replaced as a whole, so that a reader never sees half of one. It is not fsynced.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sshfleet.errors import JournalError
from sshfleet.journal.files import Folder, read_all
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed, Reached, Report, Unreachable

VERSION = 1
_NAME = "observed.json"


Seen = dict[MachineName, tuple[datetime, Report]]
"""Each machine's last report, and from when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    """The file's content; `journal` is the name of the journal it belongs to."""

    version: int
    journal: str
    reached: dict[MachineName, tuple[datetime, Reached]]
    unreachable: dict[MachineName, tuple[datetime, Unreachable]]


def save_observed(path: Path, observed: Observed, at: datetime) -> None:
    """Keep a whole look at the fleet beside the journal at `path`; errors are let pass."""
    save_seen(path, {name: (at, report) for name, report in observed.reports.items()})


def load_observed(path: Path) -> tuple[Observed, datetime] | None:
    """Return all that was last saved, and from when the oldest report of it is."""
    seen = load_seen(path)
    if not seen:
        return None
    reports = {name: report for name, (_, report) in seen.items()}
    return Observed(reports), min(at for at, _ in seen.values())


def save_seen(path: Path, seen: Mapping[MachineName, tuple[datetime, Report]]) -> None:
    """Keep machines' last reports, each with its time (aware); errors are let pass."""
    import msgspec

    cached = _Cached(version=VERSION, journal=path.name, reached={}, unreachable={})
    for name, (at, report) in seen.items():
        if isinstance(report, Reached):
            cached.reached[name] = (at, report)
        else:
            cached.unreachable[name] = (at, report)
    staged = f".{_NAME}.{os.getpid()}"  # several lists may be made at the same time
    with suppress(OSError, JournalError, ValueError):
        data = msgspec.json.encode(cached)
        with Folder.open(path.parent, create=True, allow_network_fs=True) as folder:
            folder.stage(staged, data, durable=False)
            folder.rename(staged, _NAME)


def load_seen(path: Path) -> Seen:
    """Return what was last saved beside the journal at `path`; nothing if that is no use."""
    try:
        with Folder.open(path.parent, allow_network_fs=True) as folder:
            fd = folder.open_file(_NAME, os.O_RDONLY)
            try:
                cached = _decoder()(read_all(fd))
            finally:
                os.close(fd)
    except (OSError, JournalError, ValueError, RecursionError):
        return {}
    if cached.version != VERSION or cached.journal != path.name:
        return {}
    seen: Seen = {**cached.reached, **cached.unreachable}
    return {} if any(at.tzinfo is None for at, _ in seen.values()) else seen


@cache
def _decoder() -> Any:
    import msgspec

    return msgspec.json.Decoder(_Cached).decode

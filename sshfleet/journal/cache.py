"""What was last observed on the machines, for lists with `--cached`.

It lies beside the journal and is not part of it. Rule 1: it is only a cache: what is damaged, of
another version or not there is None, what cannot be saved is not, and neither is an error.
Rule 2: it is replaced as a whole, so that a reader never sees half of one. It is not fsynced.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sshfleet.errors import JournalError
from sshfleet.journal.files import Folder, read_all
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed, Reached, Unreachable

VERSION = 1
_NAME = "observed.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    """The file's content; `journal` is the name of the journal it belongs to."""

    version: int
    journal: str
    at: datetime
    reached: dict[MachineName, Reached]
    unreachable: dict[MachineName, Unreachable]


def save_observed(path: Path, observed: Observed, at: datetime) -> None:
    """Keep a look at the fleet beside the journal at `path`; what goes wrong is let pass."""
    import msgspec

    reports = observed.reports.items()
    cached = _Cached(
        version=VERSION,
        journal=path.name,
        at=at,
        reached={name: report for name, report in reports if isinstance(report, Reached)},
        unreachable={name: report for name, report in reports if isinstance(report, Unreachable)},
    )
    staged = f".{_NAME}.{os.getpid()}"  # several lists may be made at the same time
    with suppress(OSError, JournalError, ValueError):
        data = msgspec.json.encode(cached)
        with Folder.open(path.parent, create=True, allow_network_fs=True) as folder:
            folder.stage(staged, data, durable=False)
            folder.rename(staged, _NAME)


def load_observed(path: Path) -> tuple[Observed, datetime] | None:
    """Return what was last saved beside the journal at `path`, and from when it is."""
    try:
        with Folder.open(path.parent, allow_network_fs=True) as folder:
            fd = folder.open_file(_NAME, os.O_RDONLY)
            try:
                cached = _decoder()(read_all(fd))
            finally:
                os.close(fd)
    except (OSError, JournalError, ValueError, RecursionError):
        return None
    if cached.version != VERSION or cached.journal != path.name or cached.at.tzinfo is None:
        return None
    return Observed({**cached.reached, **cached.unreachable}), cached.at


@cache
def _decoder() -> Any:
    import msgspec

    return msgspec.json.Decoder(_Cached).decode

"""Journals as bytes and on disk, for tests that cut, flip and mix them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sshfleet.journal.files import Folder
from sshfleet.journal.log import Reading
from sshfleet.journal.record import Record, encode
from sshfleet.journal.snapshot import Snapshot
from sshfleet.journal.store import Journal
from sshfleet.journal.wal import reading
from sshfleet.model import event as ev
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName
from tests.journal.strategies import STAMP, START

WEB = UnitName("web.service")
M1 = MachineId("a" * 32)
TEXT = "[Service]\nExecStart=/bin/true\n"
SHA = hashlib.sha256(TEXT.encode()).hexdigest()

STORY: tuple[Event, ...] = (
    ev.JournalStarted("0123456789abcdef0123456789abcdef"),
    ev.MachineSeen(M1, MachineName("core-01"), "10.0.0.1"),
    ev.TextStored(SHA, TEXT),
    ev.UnitSubmitted(WEB, SHA),
    ev.TargetSet(WEB, TargetState.LAUNCHED),
    ev.UnitPlaced(WEB, M1, 1, "fewest units"),
    ev.ActionEnded(WEB, M1, "start", "new", "done"),
)


def lines(
    events: Sequence[Event | Snapshot], *, seq: int = 0, prev: str = "", together: bool = False
) -> list[bytes]:
    """Encode events as the lines that follow the record `seq` with the sum `prev`.

    They are written one by one, or all `together`.
    """
    written, numbers = [], range(seq + 1, seq + 1 + len(events)) if together else range(0)
    for event in events:
        seq += 1
        line, prev = encode(event, STAMP, seq=seq, prev=prev, together=numbers)
        written.append(line)
    return written


def open_journal(path: Path, command: str = "sshfleet start web.service") -> Journal:
    """Open a journal as a command would."""
    return Journal.open(path, by="core@laptop", command=command, now=lambda: START)


class Log:
    """What a whole pass over a journal found."""

    def __init__(self, read: Reading) -> None:
        self.records: list[Record] = list(read)
        self.size, self.torn, self.note = read.size, read.torn, read.note()


def scan(data: bytes, path: Path, part: int = 1 << 20) -> Log:
    """Read a journal's bytes, so many at a time."""
    return Log(Reading((data[at : at + part] for at in range(0, len(data), part)), path))


def read_log(folder: Folder, name: str) -> Log:
    """Read a journal's file as readers do."""
    with reading(folder, name) as read:
        return Log(read)

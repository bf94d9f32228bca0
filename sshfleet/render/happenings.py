"""The journal's records as what happened: one happening for each thing a person would tell.

Rule 1: what is written only so that sshfleet can do its work is no happening; a new type of event
has to be dealt with here before it can be journalled.
Rule 2: one record at a time goes in, and nothing is kept of it but what later ones are told from:
of how things were before the oldest record that is kept, nothing is known and nothing is said.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, assert_never

from sshfleet.model import event as ev
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName, content_hash


class Kind(StrEnum):
    """What happened; of an action, its verb is the kind: install, start, stop, restart, remove."""

    BEGIN = "begin"
    TEXT = "text"
    WANT = "want"
    PLACE = "place"
    MOVE = "move"
    LEAVE = "leave"
    GONE = "gone"
    SEE = "see"
    GIVE_UP = "give-up"
    FIND = "find"
    CORDON = "cordon"
    DRAIN = "drain"
    UNCORDON = "uncordon"


RESTART = "restart"
"""What is wanted of a unit that is to get new processes."""


class Entry(NamedTuple):
    """A record of the journal: one event, when, by whom (user@host) and by which command line."""

    at: datetime
    by: str
    cmd: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened; what does not apply, or is not known, is empty.

    `before` and `after` are contents of texts, target states, machine IDs, addresses, or what an
    action found and left. `name` is what `machine` was called then, `left` is the name of the
    machine that a unit moved from. `ms`: how long an action took.
    """

    entry: Entry
    kind: str
    unit: str = ""
    machine: str = ""
    name: str = ""
    left: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""
    result: str = ""
    ms: int = 0


def happenings(entries: Iterable[Entry]) -> Iterator[Happening]:
    """Tell what happened, in the order of the records."""
    past = _Past()
    for _, together in groupby(entries, key=itemgetter(0, 1, 2)):
        decided = list(together)
        moves = _moves(entry.event for entry in decided)
        for entry in decided:
            yield from past.told(entry, moves)


Moves = Mapping[UnitName, ev.UnitUnplaced]


def _moves(events: Iterable[Event]) -> Moves:
    """Name the units that left one machine for one other, each with how it left."""
    left: dict[UnitName, list[ev.UnitUnplaced]] = {}
    came: Counter[UnitName] = Counter()
    for event in events:
        if isinstance(event, ev.UnitUnplaced):
            left.setdefault(event.unit, []).append(event)
        elif isinstance(event, ev.UnitPlaced):
            came[event.unit] += 1
    return {unit: leaves[0] for unit, leaves in left.items() if len(leaves) == came[unit] == 1}


class _Past:
    """What is known from the records so far, as far as later ones are told from it."""

    def __init__(self) -> None:
        self.from_the_start = False
        self.targets: dict[UnitName, TargetState] = {}
        self.contents: dict[UnitName, str] = {}
        self.machines: dict[MachineId, tuple[MachineName, str]] = {}
        self.removed: set[tuple[UnitName, MachineId]] = set()

    def told(self, entry: Entry, moves: Moves) -> Iterator[Happening]:  # noqa: C901 - as in fold
        match entry.event:
            case ev.JournalStarted(lineage):
                self.from_the_start = True
                yield Happening(entry=entry, kind=Kind.BEGIN, after=lineage)
            case ev.TextStored() | ev.MachineMarked() | ev.LeasesPromised():
                pass  # a text is told when a unit gets it, marks and leases are ours alone
            case ev.CopyGuarded() | ev.CopyUnguarded():
                pass  # the text says which
            case ev.CopyGivenUp() as event:
                yield self._copy(entry, Kind.GIVE_UP, event, event.reason)
            case ev.CopyFound() as event:
                yield self._copy(entry, Kind.FIND, event)
            case ev.UnitSubmitted() as event:
                yield self._text(entry, event)
            case ev.TargetSet() as event:
                yield self._want(entry, event)
            case ev.UnitPlaced() as event:
                yield self._place(entry, event, moves)
            case ev.UnitUnplaced() as event:
                if event.unit not in moves:
                    yield self._leave(entry, event)
            case ev.UnitRemoved() as event:
                yield from self._gone(entry, event)
            case ev.RestartAsked() as event:
                yield Happening(entry=entry, kind=Kind.WANT, unit=event.unit, after=RESTART)
            case ev.MachineSeen() as event:
                yield self._see(entry, event)
            case ev.MachineCordoned(name):
                yield self._machine(entry, Kind.CORDON, name)
            case ev.MachineDraining(name):
                yield self._machine(entry, Kind.DRAIN, name)
            case ev.MachineUncordoned(name):
                yield self._machine(entry, Kind.UNCORDON, name)
            case ev.ActionEnded() as event:
                yield self._action(entry, event)
            case _ as unknown:
                assert_never(unknown)

    def _called(self, machine: MachineId) -> str:
        return self.machines[machine][0] if machine in self.machines else ""

    def _text(self, entry: Entry, event: ev.UnitSubmitted) -> Happening:
        unheard_of = TargetState.ABSENT if self.from_the_start else None
        if self.targets.get(event.unit, unheard_of) is TargetState.ABSENT:
            self.targets[event.unit] = TargetState.INACTIVE
            self.contents.pop(event.unit, None)
        before = self.contents.get(event.unit, "")
        after = content_hash(event.sha256, event.dropins)
        self.contents[event.unit] = after
        return Happening(entry=entry, kind=Kind.TEXT, unit=event.unit, before=before, after=after)

    def _want(self, entry: Entry, event: ev.TargetSet) -> Happening:
        before = self.targets.get(event.unit, "")
        self.targets[event.unit] = event.target
        return Happening(
            entry=entry, kind=Kind.WANT, unit=event.unit, before=before, after=event.target
        )

    def _place(self, entry: Entry, event: ev.UnitPlaced, moves: Moves) -> Happening:
        self.removed.discard((event.unit, event.machine))
        left = moves.get(event.unit)
        return Happening(
            entry=entry,
            kind=Kind.MOVE if left else Kind.PLACE,
            unit=event.unit,
            machine=event.machine,
            name=self._called(event.machine),
            left=self._called(left.machine) if left else "",
            before=left.machine if left else "",
            after=event.machine,
            reason=left.reason if left else event.reason,
        )

    def _leave(self, entry: Entry, event: ev.UnitUnplaced) -> Happening:
        return Happening(
            entry=entry,
            kind=Kind.LEAVE,
            unit=event.unit,
            machine=event.machine,
            name=self._called(event.machine),
            before=event.machine,
            reason=event.reason,
        )

    def _gone(self, entry: Entry, event: ev.UnitRemoved) -> Iterator[Happening]:
        """Tell that a copy was seen to be gone, unless its removal was told already."""
        key = (event.unit, event.machine)
        if key not in self.removed:
            yield Happening(
                entry=entry,
                kind=Kind.GONE,
                unit=event.unit,
                machine=event.machine,
                name=self._called(event.machine),
            )
        self.removed.discard(key)

    def _copy(
        self, entry: Entry, kind: Kind, event: ev.CopyGivenUp | ev.CopyFound, reason: str = ""
    ) -> Happening:
        return Happening(
            entry=entry,
            kind=kind,
            unit=event.unit,
            machine=event.machine,
            name=self._called(event.machine),
            reason=reason,
        )

    def _see(self, entry: Entry, event: ev.MachineSeen) -> Happening:
        before = self.machines.get(event.machine, ("", ""))[1]
        self.machines[event.machine] = (event.name, event.address)
        return Happening(
            entry=entry,
            kind=Kind.SEE,
            machine=event.machine,
            name=event.name,
            before=before,
            after=event.address,
        )

    def _machine(self, entry: Entry, kind: Kind, name: MachineName) -> Happening:
        ids = [one for one, (called, _) in self.machines.items() if called == name]
        return Happening(entry=entry, kind=kind, machine=ids[-1] if ids else "", name=name)

    def _action(self, entry: Entry, event: ev.ActionEnded) -> Happening:
        if (event.verb, event.result) == ("remove", "done"):
            self.removed.add((event.unit, event.machine))
        return Happening(
            entry=entry,
            kind=event.verb,
            unit=event.unit,
            machine=event.machine,
            name=self._called(event.machine),
            before=event.was,
            after=event.became,
            reason=event.reason,
            result=event.result,
            ms=event.ms,
        )

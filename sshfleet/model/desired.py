"""Desired state: everything the user wants, placements included, as folded from events.

Rule 1: `fold` accepts or refuses a whole run of events; what it refuses never reaches the journal.
Rule 2: `holders` are the machines that may still have a copy; only `UnitRemoved` shrinks them.
Rule 3: a destroyed unit stays as a tombstone (target absent) until nobody holds it.
Rule 4: what was promised to a machine (`leases`) only grows: it may act on any of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import assert_never

from sshfleet.model import event as ev
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import FailoverMode, MachineId, MachineName
from sshfleet.model.owner import later_marks, number_of
from sshfleet.model.unit import UnitName, content_hash


class CannotFold(ValueError):
    """An event that makes no sense here: a bug in whoever decided it, or a damaged journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredUnit:
    """What is wanted of one unit; `generation` grows with each placement.

    `sha256` is of its text, `dropins` maps the file names of its drop-ins to the SHA-256 of theirs.
    Of the holders, those `given_up` do not keep the unit from running elsewhere; on those `guarded`
    it can only run under a lease.
    """

    name: UnitName
    sha256: str
    target: TargetState = TargetState.INACTIVE
    generation: int = 0
    placements: frozenset[MachineId] = frozenset()
    holders: frozenset[MachineId] = frozenset()
    restart: Mapping[MachineId, str] = field(default_factory=dict)
    dropins: Mapping[str, str] = field(default_factory=dict)
    given_up: frozenset[MachineId] = frozenset()
    guarded: frozenset[MachineId] = frozenset()

    @property
    def content(self) -> str:
        """Return what tells its content from any other."""
        return content_hash(self.sha256, self.dropins)


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """A machine that was seen at least once, and under which name and address last.

    `marks` are those it may bear of this journal: first the one last seen there, if any, then all
    that were perhaps written since.
    """

    id: MachineId
    name: MachineName
    address: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a machine may run leased units, by what was promised to it so far (LeasesPromised).

    `until` is CLOCK_BOOTTIME (ms) in the controller's boot of the ID `boot`; `seconds` is how far
    off that was when it was promised; `number` is that of the last promise.
    """

    boot: str
    until: int
    seconds: int
    number: int


@dataclass(frozen=True, kw_only=True)  # no slots: the indexes are kept beside the fields
class DesiredState:
    """All of it; `texts` maps SHA-256 to unit text, `generation` is the highest ever given.

    `cordoned` names machines of the inventory that are to be given no more units; those of them
    that are `draining` are to lose the ones they have.
    """

    lineage: str = ""
    generation: int = 0
    units: Mapping[UnitName, DesiredUnit] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    machines: Mapping[MachineId, KnownMachine] = field(default_factory=dict)
    cordoned: frozenset[MachineName] = frozenset()
    draining: frozenset[MachineName] = frozenset()
    leases: Mapping[MachineId, Lease] = field(default_factory=dict)

    def id_of(self, name: str) -> MachineId | None:
        """Return the machine last seen under an inventory name."""
        return self._ids.get(name)

    def units_on(self, machines: Iterable[MachineId | None]) -> frozenset[UnitName]:
        """Return the units that machines have, or may still have."""
        ids = set(machines)
        return frozenset(
            name for name, unit in self.units.items() if ids & (unit.placements | unit.holders)
        )

    def placed_on(self, machine: MachineId | None) -> tuple[UnitName, ...]:
        """Return the units that are placed on a machine."""
        return tuple(self._placed.get(machine, ())) if machine else ()

    def has_worked(self) -> bool:
        """Tell whether this journal ever meant to change a machine."""
        return any(known.marks for known in self.machines.values())

    def next_mark(self) -> int:
        """Return the number that the marks of a new run begin with."""
        marks = (mark for known in self.machines.values() for mark in known.marks)
        return 1 + max(map(number_of, marks), default=0)

    @cached_property
    def _ids(self) -> Mapping[str, MachineId]:
        return {known.name: known.id for known in self.machines.values() if known.name}

    @cached_property
    def _placed(self) -> Mapping[MachineId, list[UnitName]]:
        found: dict[MachineId, list[UnitName]] = {}
        for name, unit in self.units.items():
            for machine in unit.placements:
                found.setdefault(machine, []).append(name)
        return found


def fold(state: DesiredState, events: Iterable[Event]) -> DesiredState:
    """Return the state after `events`; raise CannotFold, leaving `state` as it was."""
    work = _Fold(state)
    for unit, run in groupby(events, key=_placed):
        if unit:
            work.place(unit, (one for one in run if isinstance(one, ev.UnitPlaced)))
        else:
            for event in run:
                work.take(event)
    return work.result()


def _placed(event: Event) -> UnitName | None:
    """Return the unit that an event places: a global one has a run of such events."""
    return event.unit if isinstance(event, ev.UnitPlaced) else None


class _Fold:
    """Copies of the mappings, changed in place while a run of events is folded.

    The large ones are copied when an event first asks for them: a promise to one machine need not
    copy 100,000 units.
    """

    def __init__(self, state: DesiredState) -> None:
        self._before = state
        self.lineage, self.generation = state.lineage, state.generation
        self.cordoned, self.draining = set(state.cordoned), set(state.draining)

    @cached_property
    def units(self) -> dict[UnitName, DesiredUnit]:
        return dict(self._before.units)

    @cached_property
    def texts(self) -> dict[str, str]:
        return dict(self._before.texts)

    @cached_property
    def machines(self) -> dict[MachineId, KnownMachine]:
        return dict(self._before.machines)

    @cached_property
    def leases(self) -> dict[MachineId, Lease]:
        return dict(self._before.leases)

    @cached_property
    def ids(self) -> dict[str, MachineId]:
        """Which machine each name means, as it changes with `machines`."""
        return {known.name: known.id for known in self.machines.values() if known.name}

    def result(self) -> DesiredState:
        copied = ("units", "texts", "machines", "leases")
        return replace(
            self._before,
            lineage=self.lineage,
            generation=self.generation,
            cordoned=frozenset(self.cordoned),
            draining=frozenset(self.draining),
            **{name: vars(self)[name] for name in copied if name in vars(self)},
        )

    def take(self, event: Event) -> None:  # noqa: C901 - one line for each event there is
        match event:
            case ev.JournalStarted():
                self.lineage = event.lineage
            case ev.TextStored():
                self.texts[event.sha256] = event.text
            case ev.UnitSubmitted():
                self._submit(event)
            case ev.TargetSet():
                self._target(event)
            case ev.UnitPlaced():
                self.place(event.unit, [event])
            case ev.UnitUnplaced():
                unit = self._unit(event.unit)
                self._keep(replace(unit, placements=unit.placements - {event.machine}))
            case ev.UnitRemoved():
                self._keep(_without(self._unit(event.unit), event.machine))
            case ev.CopyGivenUp():
                unit = self._unit(event.unit)
                self._keep(replace(unit, given_up=unit.given_up | {event.machine}))
            case ev.CopyFound():
                unit = self._unit(event.unit)
                self._keep(replace(unit, given_up=unit.given_up - {event.machine}))
            case ev.CopyGuarded():
                unit = self._unit(event.unit)
                self._keep(replace(unit, guarded=unit.guarded | {event.machine}))
            case ev.CopyUnguarded():
                unit = self._unit(event.unit)
                self._keep(replace(unit, guarded=unit.guarded - {event.machine}))
            case ev.LeasesPromised():
                self._promise(event)
            case ev.RestartAsked():
                unit = self._unit(event.unit)
                self._keep(replace(unit, restart={**unit.restart, **event.invocations}))
            case ev.MachineSeen():
                self._see(event)
            case ev.MachineMarked():
                self._mark(event)
            case ev.MachineCordoned():
                self.cordoned.add(event.name)
            case ev.MachineDraining():
                self.cordoned.add(event.name)
                self.draining.add(event.name)
            case ev.MachineUncordoned():
                self.cordoned.discard(event.name)
                self.draining.discard(event.name)
            case ev.ActionEnded():
                pass
            case _:
                assert_never(event)

    def _unit(self, name: UnitName) -> DesiredUnit:
        if name not in self.units:
            raise CannotFold(f"unit {name} is not known")
        return self.units[name]

    def _keep(self, unit: DesiredUnit) -> None:
        if unit.target is TargetState.ABSENT and not unit.holders:
            self.units.pop(unit.name, None)
        else:
            self.units[unit.name] = unit

    def _submit(self, event: ev.UnitSubmitted) -> None:
        for sha256 in (event.sha256, *event.dropins.values()):
            if sha256 not in self.texts:
                raise CannotFold(f"no text {sha256} for unit {event.unit}")
        known = self.units.get(event.unit, DesiredUnit(name=event.unit, sha256=event.sha256))
        unit = replace(known, sha256=event.sha256, dropins=event.dropins)
        if known.target is TargetState.ABSENT:  # born again while old copies are still cleaned up
            unit = replace(unit, target=TargetState.INACTIVE)
        self._keep(unit)

    def _target(self, event: ev.TargetSet) -> None:
        unit = replace(self._unit(event.unit), target=event.target, restart={})
        self._keep(unit if event.target.on_machine else replace(unit, placements=frozenset()))

    def place(self, name: UnitName, events: Iterable[ev.UnitPlaced]) -> None:
        """Take placements of a unit that follow each other: each alone would copy all others."""
        unit, machines, guarded = self._unit(name), set[MachineId](), set[MachineId]()
        if not unit.target.on_machine:
            raise CannotFold(f"unit {name} is {unit.target} and cannot be placed")
        generation = unit.generation
        for event in events:
            generation = event.generation
            self.generation = max(self.generation, generation)
            # What an older placement may have left there needs no lease, unless it was seen to.
            is_new = event.machine not in unit.holders and event.machine not in machines
            if is_new and event.failover == FailoverMode.LEASE:
                guarded.add(event.machine)
            machines.add(event.machine)
        self._keep(
            replace(
                unit,
                generation=generation,
                placements=unit.placements | machines,
                holders=unit.holders | machines,
                given_up=unit.given_up - machines,
                guarded=unit.guarded | guarded,
            )
        )

    def _promise(self, event: ev.LeasesPromised) -> None:
        for machine in event.machines:
            self.leases[machine] = _promised(self.leases.get(machine), event)

    def _see(self, event: ev.MachineSeen) -> None:
        named = self.ids.get(event.name)
        if named and named != event.machine:
            # The name now means another machine; the old one is remembered without a name.
            self.machines[named] = replace(self.machines[named], name=MachineName(""))
        before = self.machines.get(event.machine)
        if before and self.ids.get(before.name) == event.machine:
            del self.ids[before.name]
        self.ids[event.name] = event.machine
        marks = before.marks if before else ()
        self.machines[event.machine] = KnownMachine(event.machine, event.name, event.address, marks)

    def _mark(self, event: ev.MachineMarked) -> None:
        known = self.machines.get(event.machine)
        if known is None:
            raise CannotFold(f"machine {event.machine} was never seen")
        marks = (*later_marks(known.marks, event.seen), event.mark)
        self.machines[known.id] = replace(known, marks=marks)


def _without(unit: DesiredUnit, machine: MachineId) -> DesiredUnit:
    """Return a unit of which a machine holds no copy any more."""
    gone = frozenset({machine})
    return replace(
        unit,
        holders=unit.holders - gone,
        given_up=unit.given_up - gone,
        guarded=unit.guarded - gone,
    )


def _promised(before: Lease | None, event: ev.LeasesPromised) -> Lease:
    """Return what a machine may act on after one more promise; another boot starts a new clock."""
    if before is None or before.boot != event.boot or before.until <= event.until:
        return Lease(event.boot, event.until, event.seconds, event.number)
    return replace(before, number=event.number)

"""What machines hold → what a journal has to know of it: a lost or stale one is made good.

Rule 1: of several copies of a unit the one of the highest generation is where it belongs; the
others are left over, and the next reconcile removes them. A global unit belongs to all machines
that hold it.
Rule 2: what a machine holds wins over what this journal says of it, unless this journal has placed
the unit anew since (a higher generation).
Rule 3: a unit that was to be on such a machine and is not stays registered, and is not started
again: whoever took it away had a reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sshfleet.errors import UnitFileError
from sshfleet.model.adopted import Adopted
from sshfleet.model.desired import DesiredState, DesiredUnit
from sshfleet.model.event import (
    Event,
    TargetSet,
    TargetState,
    TextStored,
    UnitPlaced,
    UnitRemoved,
    UnitSubmitted,
    UnitUnplaced,
)
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import UnitState
from sshfleet.model.unit import Unit, UnitName
from sshfleet.unitfile.read import read_text

WHY = "found there"
LEFT = "left over there"


@dataclass(frozen=True, slots=True)
class Held:
    """A copy of a unit on a machine that is adopted."""

    unit: UnitName
    machine: MachineName
    id: MachineId
    state: UnitState

    @property
    def generation(self) -> int:
        """Return the generation its record names; 0 when it has none."""
        return self.state.record.generation if self.state.record else 0

    @property
    def target(self) -> TargetState:
        """Return what its record says it is for; without one, what starts at boot is to run."""
        record = self.state.record
        launched = record.target == TargetState.LAUNCHED if record else self.state.boot
        return TargetState.LAUNCHED if launched else TargetState.LOADED

    def texts(self) -> Iterator[str]:
        """Yield the SHA-256 of each of its files."""
        yield from (self.state.sha256, *self.state.dropins.values())


@dataclass(frozen=True, slots=True)
class Adoption:
    """What to journal, and what it means for each unit."""

    events: tuple[Event, ...]
    units: tuple[Adopted, ...]


def by_unit(copies: Iterable[Held]) -> dict[UnitName, list[Held]]:
    """Sort copies by their units, each unit's from the highest generation to the lowest."""
    found: dict[UnitName, list[Held]] = {}
    for copy in sorted(copies, key=lambda one: (one.unit, -one.generation, one.id)):
        found.setdefault(copy.unit, []).append(copy)
    return found


def adoption(
    state: DesiredState,
    copies: Iterable[Held],
    texts: Mapping[str, str],
    doubtful: frozenset[MachineId],
) -> Adoption:
    """Decide about the units that were found, and about those that were to be on machines of which
    this journal's word is `doubtful`, and are not.

    `texts` has the text of each file of every unit's first copy, by its SHA-256; one that is
    missing could not be read.
    """
    work = _Work(state, texts)
    for name, found in by_unit(copies).items():
        work.take(state.units.get(name), found)
    for unit in state.units.values():
        if unit.placements & doubtful and unit.name not in work.seen:
            work.lose(unit, unit.placements & doubtful)
    return Adoption(tuple(work.events), tuple(work.units))


class _Work:
    """The events and units so far."""

    def __init__(self, state: DesiredState, texts: Mapping[str, str]) -> None:
        self.events: list[Event] = []
        self.units: list[Adopted] = []
        self.seen: set[UnitName] = set()
        self._stored = set(state.texts)
        self._texts = texts

    def take(self, known: DesiredUnit | None, found: Sequence[Held]) -> None:
        """Take a unit over from the copies of it, or leave them where this journal knows better."""
        first = found[0]
        self.seen.add(first.unit)
        unit = self._read(first)
        if isinstance(unit, str):
            self.units.append(Adopted(unit=first.unit, target=first.target, why_not=unit))
            return
        single = not unit.requirements.is_global
        if known and single and known.generation > first.generation and known.target.on_machine:
            self._hold(known, found)
            return
        self._register(first, known)
        homes, rest = ([first], list(found[1:])) if single else (list(found), [])
        if known and single and known.target.on_machine:
            ends = sorted(known.placements - {first.id})
            self.events += [UnitUnplaced(first.unit, machine, WHY) for machine in ends]
        self._place(homes, rest)
        self.units.append(
            Adopted(
                unit=first.unit,
                target=first.target,
                machines=tuple(one.machine for one in homes),
                left=tuple(one.machine for one in rest),
            )
        )

    def lose(self, unit: DesiredUnit, machines: frozenset[MachineId]) -> None:
        """Note that a unit is not where this journal put it, and on no other machine either."""
        if unit.placements <= machines:
            self.events.append(TargetSet(unit.name, TargetState.INACTIVE))
            self.units.append(Adopted(unit=unit.name, target=TargetState.INACTIVE))
        self.events += [UnitRemoved(unit.name, machine) for machine in sorted(machines)]

    def _read(self, copy: Held) -> Unit | str:
        """Return the unit, or why it cannot be taken over."""
        if any(sha256 not in self._texts for sha256 in copy.texts()):
            return f"its text on {copy.machine} cannot be read"
        dropins = {name: self._texts[sha256] for name, sha256 in copy.state.dropins.items()}
        try:
            return read_text(copy.unit, self._texts[copy.state.sha256], dropins)
        except UnitFileError as error:
            return str(error)

    def _register(self, copy: Held, known: DesiredUnit | None) -> None:
        for sha256 in copy.texts():
            if sha256 not in self._stored:
                self._stored.add(sha256)
                self.events.append(TextStored(sha256, self._texts[sha256]))
        same = known and (known.sha256, dict(known.dropins)) == (
            copy.state.sha256,
            dict(copy.state.dropins),
        )
        if not same:
            submitted = UnitSubmitted(copy.unit, copy.state.sha256, copy.state.dropins)
            self.events.append(submitted)
        if not known or known.target is not copy.target:
            self.events.append(TargetSet(copy.unit, copy.target))

    def _place(self, homes: list[Held], rest: list[Held]) -> None:
        for copy in reversed(rest):
            self.events.append(UnitPlaced(copy.unit, copy.id, copy.generation, WHY))
            self.events.append(UnitUnplaced(copy.unit, copy.id, LEFT))
        for copy in reversed(homes):
            self.events.append(UnitPlaced(copy.unit, copy.id, copy.generation, WHY))

    def _hold(self, known: DesiredUnit, found: Sequence[Held]) -> None:
        """Remember copies that are left over from before this journal placed the unit anew."""
        left = [copy for copy in found if copy.id not in known.placements]
        for copy in left:
            self.events.append(UnitPlaced(known.name, copy.id, known.generation, WHY))
            self.events.append(UnitUnplaced(known.name, copy.id, LEFT))
        self.units.append(
            Adopted(
                unit=known.name,
                target=known.target,
                left=tuple(copy.machine for copy in left),
            )
        )

"""The board: which units stand on which machine while a schedule is made.

Rule 1: it holds every placed unit, inside the scope or not: they are load, peers and conflicts.
Rule 2: of two units that conflict, the one of higher rank gives way; what may not move ranks
lowest, a placed unit by its generation, a newcomer highest.
Rule 3: every change can be taken back (`mark`, `rewind`): what is only tried leaves no trace.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sshfleet.model.machine import MachineId
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName
from sshfleet.plan.globs import first_match
from sshfleet.plan.rings import NO_RINGS, Rings
from sshfleet.plan.roster import Roster
from sshfleet.plan.suspects import Suspects

Rank = tuple[int, str]
FIXED: Rank = (-1, "")
NEWCOMER: Rank = (sys.maxsize, "")

_NOWHERE: frozenset[MachineId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What may be left of a newcomer: `holders` may still have a copy, `away` says of those that
    cannot be asked who they are and why not."""

    holders: frozenset[MachineId] = frozenset()
    away: Mapping[MachineId, str] = field(default_factory=dict)


NO_PAST = Past()


class Tenant(NamedTuple):  # made in a quarter of the time of a frozen dataclass, for every unit
    """A unit as the scheduler sees it; of an `unread` one not even the rules are known."""

    name: UnitName
    rules: Requirements
    rank: Rank
    past: Past = NO_PAST
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Clash:
    """`pattern`, of unit `owner`, forbids that a unit shares the machine with `other`."""

    other: UnitName
    pattern: str
    owner: UnitName


class Board:
    """Who stands where; of the units on a machine those with Conflicts= or Replaces= are also kept
    apart. `rings` tells of the units whose Replaces= goes in a circle."""

    def __init__(self, roster: Roster, rings: Rings = NO_RINGS) -> None:
        self.roster = roster
        self.rings = rings
        self._tenants: defaultdict[MachineId, dict[UnitName, Tenant]] = defaultdict(dict)
        self._jealous: defaultdict[MachineId, dict[UnitName, Tenant]] = defaultdict(dict)
        self._pushing: defaultdict[MachineId, dict[UnitName, Tenant]] = defaultdict(dict)
        self._suspects = Suspects()
        self._replaced: dict[str, None] = {}
        self._places: dict[UnitName, frozenset[MachineId]] = {}
        self._log: list[tuple[UnitName, MachineId, Tenant | None]] = []

    def seat(self, tenant: Tenant, machines: frozenset[MachineId]) -> None:
        """Let a unit stand where it stood before anything was changed: not to be taken back."""
        self._places[tenant.name] = machines
        self._suspects.add(tenant.name, tenant.rules.conflicts)
        for machine in machines:
            self._seat(tenant, machine)

    def put(self, tenant: Tenant, machines: frozenset[MachineId]) -> None:
        """Let a unit stand on more machines."""
        self._suspects.add(tenant.name, tenant.rules.conflicts)
        for machine in machines:
            self._change(tenant.name, machine, tenant)

    def take(self, unit: UnitName, machine: MachineId) -> None:
        """Remove a unit from a machine where it stands."""
        self._change(unit, machine, None)

    def mark(self) -> int:
        """Remember how things stand, for `rewind`."""
        return len(self._log)

    def rewind(self, mark: int) -> None:
        """Take back all changes since `mark`."""
        while len(self._log) > mark:
            unit, machine, before = self._log.pop()
            self._change(unit, machine, before)
            self._log.pop()

    def lost_any_since(self, mark: int) -> bool:
        """Tell whether a unit left a machine since `mark`."""
        return any(before is not None for _, _, before in self._log[mark:])

    def _change(self, unit: UnitName, machine: MachineId, tenant: Tenant | None) -> None:
        there = self._tenants[machine]
        self._log.append((unit, machine, there.pop(unit, None)))
        self._jealous[machine].pop(unit, None)
        self._pushing[machine].pop(unit, None)
        if tenant is None:
            self._places[unit] -= {machine}
            return
        self._places[unit] = self._places.get(unit, _NOWHERE) | {machine}
        self._seat(tenant, machine)

    def _seat(self, tenant: Tenant, machine: MachineId) -> None:
        self._tenants[machine][tenant.name] = tenant
        if tenant.rules.conflicts:
            self._jealous[machine][tenant.name] = tenant
        if tenant.rules.replaces:
            self._pushing[machine][tenant.name] = tenant
            self._replaced.update(dict.fromkeys(tenant.rules.replaces))

    def load(self, machine: MachineId) -> int:
        """Count the units on a machine."""
        return len(self._tenants.get(machine, ()))

    def places(self, unit: UnitName) -> frozenset[MachineId]:
        """Return the machines a unit stands on."""
        return self._places.get(unit, _NOWHERE)

    def units_on(self, machine: MachineId) -> Iterable[UnitName]:
        """Return the units on a machine."""
        return self._tenants.get(machine, {}).keys()

    def there(self, unit: UnitName, machine: MachineId) -> Tenant:
        """Return a unit that stands on a machine."""
        return self._tenants[machine][unit]

    def crowded(self, tenant: Tenant) -> set[MachineId]:
        """Return the machines where the tenant may have clashes; on all others it has none."""
        suspects = self._suspects.of(tenant.name, tenant.rules.conflicts)
        return {machine for name in suspects for machine in self.places(name)}

    def may_be_replaced(self, tenant: Tenant) -> bool:
        """Tell whether any unit on any machine may push the tenant off."""
        return bool(first_match(self._replaced, tenant.name))

    def clashes(self, tenant: Tenant, machine: MachineId) -> list[Clash]:
        """Return the units of lower rank there that the tenant cannot be with, sorted."""
        # Without globs of its own, a unit can only clash with the few that have some.
        there = self._tenants if tenant.rules.conflicts else self._jealous
        others = there.get(machine)
        return sorted(_clashes(tenant, others), key=lambda c: c.other) if others else []

    def replacing(self, tenant: Tenant, machine: MachineId) -> list[Clash]:
        """Return the units there that push the tenant off, sorted.

        Of the units that stay, only those that may not move count here: any other one pushes the
        tenant off when it can go elsewhere, and has to leave itself when not (`pushing`). In a
        circle nobody pushes.
        """
        others = self._pushing.get(machine)
        if not others:
            return []
        found = [
            Clash(other.name, pattern, other.name)
            for other in others.values()
            if other.name != tenant.name
            and (tenant.rank == NEWCOMER or other.rank == FIXED)
            and (pattern := first_match(other.rules.replaces, tenant.name))
            and not self.rings.together(tenant.name, other.name)
        ]
        return sorted(found, key=lambda clash: clash.other)

    def replaced(self, tenant: Tenant, machine: MachineId) -> list[Clash]:
        """Return the units there that the tenant pushes off, sorted."""
        globs = tenant.rules.replaces
        others = self._tenants.get(machine) if globs else None
        if not others:
            return []
        return [
            Clash(name, pattern, tenant.name)
            for name in sorted(others)
            if name != tenant.name
            and (pattern := first_match(globs, name))
            and not self.rings.together(tenant.name, name)
        ]


def _clashes(tenant: Tenant, others: Mapping[UnitName, Tenant]) -> Iterator[Clash]:
    for other in others.values():
        if other.rank < tenant.rank and other.name != tenant.name:
            if pattern := first_match(tenant.rules.conflicts, other.name):
                yield Clash(other.name, pattern, tenant.name)
            elif pattern := first_match(other.rules.conflicts, tenant.name):
                yield Clash(other.name, pattern, other.name)

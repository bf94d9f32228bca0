"""The board: which units stand on which machine while a schedule is made.

Rule 1: it holds every placed unit, inside the scope or not: they are load, peers and conflicts.
Rule 2: of two units that conflict, the one of higher rank gives way; what may not move ranks
lowest, a placed unit by its generation, a newcomer highest.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sshfleet.model.machine import MachineId
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName
from sshfleet.plan.roster import Roster
from sshfleet.unitfile.glob import matches

Rank = tuple[int, str]
FIXED: Rank = (-1, "")
NEWCOMER: Rank = (sys.maxsize, "")

_SPECIAL = re.compile(r"[*?\[\\]")
_NOWHERE: frozenset[MachineId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What may be left of a newcomer: `holders` may still have a copy, `away` says of those that
    cannot be asked who they are and why not."""

    holders: frozenset[MachineId] = frozenset()
    away: Mapping[MachineId, str] = field(default_factory=dict)


NO_PAST = Past()


@dataclass(frozen=True, slots=True)
class Tenant:
    """A unit as the scheduler sees it; `circle` shows the MachineOf circle that it is part of."""

    name: UnitName
    rules: Requirements
    rank: Rank
    past: Past = NO_PAST
    circle: str = ""


@dataclass(frozen=True, slots=True)
class Clash:
    """`pattern` in the Conflicts= of unit `owner` forbids that `other` shares the machine."""

    other: UnitName
    pattern: str
    owner: UnitName


class Board:
    """Who stands where; of the units on a machine those with Conflicts= are also kept apart."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self._tenants: defaultdict[MachineId, dict[UnitName, Tenant]] = defaultdict(dict)
        self._jealous: defaultdict[MachineId, dict[UnitName, Tenant]] = defaultdict(dict)
        self._places: dict[UnitName, frozenset[MachineId]] = {}

    def put(self, tenant: Tenant, machines: frozenset[MachineId]) -> None:
        """Let a unit stand on more machines."""
        self._places[tenant.name] = machines | self.places(tenant.name)
        for machine in machines:
            self._tenants[machine][tenant.name] = tenant
            if tenant.rules.conflicts:
                self._jealous[machine][tenant.name] = tenant

    def take(self, unit: UnitName, machine: MachineId) -> None:
        """Remove a unit from a machine where it stands."""
        self._places[unit] -= {machine}
        del self._tenants[machine][unit]
        self._jealous[machine].pop(unit, None)

    def load(self, machine: MachineId) -> int:
        """Count the units on a machine."""
        return len(self._tenants.get(machine, ()))

    def places(self, unit: UnitName) -> frozenset[MachineId]:
        """Return the machines a unit stands on."""
        return self._places.get(unit, _NOWHERE)

    def clashes(self, tenant: Tenant, machine: MachineId) -> list[Clash]:
        """Return the units of lower rank there that the tenant cannot be with, sorted."""
        # Without globs of its own, a unit can only clash with the few that have some.
        there = self._tenants if tenant.rules.conflicts else self._jealous
        others = there.get(machine)
        return sorted(_clashes(tenant, others), key=lambda c: c.other) if others else []


def _clashes(tenant: Tenant, others: Mapping[UnitName, Tenant]) -> Iterator[Clash]:
    for other in others.values():
        if other.rank < tenant.rank and other.name != tenant.name:
            if pattern := _forbids(tenant, other.name):
                yield Clash(other.name, pattern, tenant.name)
            elif pattern := _forbids(other, tenant.name):
                yield Clash(other.name, pattern, other.name)


def _forbids(tenant: Tenant, name: UnitName) -> str:
    for pattern in tenant.rules.conflicts:
        # Nearly every pair differs in the plain beginning: it saves compiling hundreds of globs.
        if name.startswith(_SPECIAL.split(pattern, maxsplit=1)[0]) and matches(pattern, name):
            return pattern
    return ""

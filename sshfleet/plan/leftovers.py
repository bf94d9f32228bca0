"""Copies that placements left behind, and which of them a unit must not run beside.

Rule 1: what a unit replaces, or conflicts with, has to be gone from the machine before the unit is
even linked there: a power cut at the wrong moment would start both.
"""

from collections import defaultdict
from functools import cached_property

from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import Reached
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName
from sshfleet.plan.copy import Copy
from sshfleet.plan.globs import first_match
from sshfleet.plan.world import World


class Leftovers:
    """Units by the machines that may still hold a copy of them and are not to have one."""

    def __init__(self, world: World, seen: dict[MachineId, tuple[MachineName, Reached]]) -> None:
        self._world = world
        self._seen = seen

    def in_the_way(self, copy: Copy) -> list[Copy]:
        """Return what has to leave a machine before this copy may be started there."""
        if copy.unit.target is not TargetState.LAUNCHED or _runs(copy):
            return []
        rules = copy.text.requirements
        return [
            left
            for unit in self._by_machine.get(copy.id, ())
            if unit.name != copy.unit.name
            and (left := self._copy(unit, copy.id)).present
            and _apart(copy.unit.name, rules, unit.name, left.text.requirements)
        ]

    def _copy(self, unit: DesiredUnit, machine: MachineId) -> Copy:
        name, report = self._seen[machine]
        text = self._world.units[unit.name]
        return Copy(unit, text, machine, name, report.units.get(unit.name))

    @cached_property
    def _by_machine(self) -> dict[MachineId, list[DesiredUnit]]:
        found: defaultdict[MachineId, list[DesiredUnit]] = defaultdict(list)
        for name in sorted(self._world.desired.units):
            unit = self._world.desired.units[name]
            for machine in unit.holders - unit.placements:
                found[machine].append(unit)
        return found


def _runs(copy: Copy) -> bool:
    return copy.state is not None and not copy.state.at_rest


def _apart(one: UnitName, rules: Requirements, other: UnitName, others: Requirements) -> bool:
    mine, theirs = (*rules.conflicts, *rules.replaces), (*others.conflicts, *others.replaces)
    return bool(first_match(mine, other) or first_match(theirs, one))

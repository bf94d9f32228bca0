"""Evicting: the admin's word that machines are dead, so that their units may run elsewhere.

Rule 1: a machine that answers is not dead, whatever the admin says.
Rule 2: a copy is given up only for another one: what no other machine can take stays placed there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sshfleet.errors import SshfleetError
from sshfleet.model.action import Remaining
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import CopyGivenUp, UnitUnplaced
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import Reached
from sshfleet.plan.failover import Place, as_far_as_they_can_go, reasons_against
from sshfleet.plan.intent import Intent
from sshfleet.plan.world import World


@dataclass(frozen=True, slots=True)
class Evicted:
    """A machine that is said to be dead; `name` is empty when it left the inventory."""

    id: MachineId
    name: MachineName


def evicted(machines: Iterable[Evicted], world: World, by: str) -> Intent:
    """Give up what dead machines hold, as far as it can go elsewhere.

    Raises SshfleetError when one of them answers. Before anybody was asked, nothing is held back.
    """
    machines = tuple(machines)
    for machine in machines:
        _refuse_who_answers(machine, world)
    reason = f"evicted by {by}"
    due = dict.fromkeys(_places(world, machines), reason)
    if world.observed.reports:
        leaving = as_far_as_they_can_go(world, due, {}).events
    else:
        leaving = tuple(UnitUnplaced(name, machine, reason) for name, machine in due)
    return Intent((*_left_behind(world, machines, reason), *leaving))


def staying(world: World, machines: Iterable[Evicted]) -> tuple[Remaining, ...]:
    """Tell which units are still placed on dead machines, and what speaks against all others."""
    places = dict.fromkeys(_places(world, machines), "")
    bound: dict[Place, str] = {}
    as_far_as_they_can_go(world, dict(places), bound)
    against = reasons_against(world, places)
    found = []
    for name, machine in places:
        label = world.last_name_of(machine)
        reasons = against.get(name) or {label: (bound.get((name, machine), "it was not moved"),)}
        found.append(Remaining(name, label, reasons))
    return tuple(found)


def _refuse_who_answers(machine: Evicted, world: World) -> None:
    report = world.observed.reports.get(machine.name)
    found = world.observed.by_id().get(machine.id)
    if found:
        raise SshfleetError(
            f"{found[0]} answers: it is not dead, and keeps its units",
            hint=f"to move them away: sshfleet drain {found[0]}",
        )
    if isinstance(report, Reached):
        raise SshfleetError(
            f"{machine.name} answers, as another machine than the one that had its units",
            hint=f"if that one is dead: sshfleet evict {machine.id[:8]}",
        )


def _units(world: World) -> Iterator[DesiredUnit]:
    """Yield the units that may be on one machine only."""
    for name in sorted(world.desired.units):
        text = world.units.get(name)
        if text and not text.requirements.is_global:
            yield world.desired.units[name]


def _places(world: World, machines: Iterable[Evicted]) -> list[Place]:
    ids = sorted({one.id for one in machines})
    return [(unit.name, id_) for id_ in ids for unit in _units(world) if id_ in unit.placements]


def _left_behind(world: World, machines: Iterable[Evicted], reason: str) -> Iterator[CopyGivenUp]:
    """Give up copies that are to go, or to come back somewhere else: nobody needs a place there."""
    for id_ in sorted({one.id for one in machines}):
        for unit in _units(world):
            if id_ in unit.holders - unit.placements - unit.given_up:
                yield CopyGivenUp(unit.name, id_, reason)

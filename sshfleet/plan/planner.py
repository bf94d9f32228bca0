"""make_plan: scheduler, then reconcile, within a scope."""

from collections.abc import Iterable
from dataclasses import replace

from sshfleet.model.action import Plan
from sshfleet.model.desired import fold
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.unit import UnitName
from sshfleet.plan.reconcile import Asked, reconcile
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World


def moved_by(plan: Plan) -> frozenset[UnitName]:
    """Return the units that a plan gives a machine or takes one from."""
    events = (UnitPlaced, UnitUnplaced)
    return frozenset(one.unit for one in plan.decisions if isinstance(one, events))


def _single(world: World, moved: Iterable[UnitName]) -> frozenset[UnitName]:
    """Leave out units on several machines: having lost one is no reason to judge the others."""
    return frozenset(
        name
        for name in moved
        if len(world.desired.units[name].placements) <= 1
        and not world.units[name].requirements.is_global
    )


def make_plan(
    world: World, scope: frozenset[UnitName], asked: Asked, *, place: bool = True
) -> Plan:
    """Plan the next wave; `place` False leaves all placements as they are.

    `decisions` are to be durable before the first action is carried out. What had to move for the
    scope is brought to its end like the scope itself.
    """
    if not place:
        return reconcile(world, scope, asked)
    schedule_ = schedule(world, scope | _single(world, asked.moved))
    placed = replace(world, desired=fold(world.desired, schedule_.events))
    moved = {event.unit for event in schedule_.events}
    plan = reconcile(placed, scope | asked.moved | moved, asked)
    return replace(
        plan,
        decisions=(*schedule_.events, *plan.decisions),
        unplaceable=schedule_.unplaceable,
    )

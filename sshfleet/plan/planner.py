"""make_plan: scheduler, then reconcile, within a scope."""

from dataclasses import replace

from sshfleet.model.action import Plan
from sshfleet.model.desired import fold
from sshfleet.model.unit import UnitName
from sshfleet.plan.reconcile import Asked, reconcile
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World


def make_plan(
    world: World, scope: frozenset[UnitName], asked: Asked, *, place: bool = True
) -> Plan:
    """Plan the next wave; `place` False leaves all placements as they are.

    `decisions` are to be durable before the first action is carried out.
    """
    if not place:
        return reconcile(world, scope, asked)
    schedule_ = schedule(world, scope)
    placed = replace(world, desired=fold(world.desired, schedule_.events))
    plan = reconcile(placed, scope, asked)
    return replace(
        plan,
        decisions=(*schedule_.events, *plan.decisions),
        unplaceable=schedule_.unplaceable,
    )

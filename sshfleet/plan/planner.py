"""make_plan: scheduler, then reconcile, within a scope."""

from collections.abc import Iterable
from dataclasses import replace

from sshfleet.model.action import Plan, Waiting
from sshfleet.model.desired import fold
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.unit import UnitName
from sshfleet.plan.emptying import emptied
from sshfleet.plan.failover import Failover, fail_over
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
    lost = fail_over(world, scope)
    left = replace(world, desired=fold(world.desired, lost.events))
    schedule_ = schedule(left, scope | _single(left, asked.moved))
    placed = replace(left, desired=fold(left.desired, schedule_.events))
    moved = {event.unit for event in schedule_.events}
    reach = scope | asked.moved | moved
    plan = reconcile(placed, reach, asked)
    plan = replace(
        plan,
        decisions=(*lost.events, *schedule_.events, *plan.decisions),
        unplaceable=schedule_.unplaceable,
        away=(*(_with_reason(left, lost, one) for one in plan.away), *schedule_.unheard),
        frozen=lost.frozen,
    )
    return emptied(plan, placed, reach, asked) if placed.desired.draining else plan


def _with_reason(world: World, lost: Failover, away: Waiting) -> Waiting:
    """Add to what is away when or why it does not move."""
    machine = world.desired.id_of(away.machine)
    why = lost.kept.get((away.unit, machine), "") if machine else ""
    return replace(away, why=f"{away.why}; {why}") if why else away

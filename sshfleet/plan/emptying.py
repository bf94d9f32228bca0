"""The part of a plan that empties machines which are drained."""

from dataclasses import replace

from sshfleet.model.action import Plan
from sshfleet.model.desired import fold
from sshfleet.model.unit import UnitName
from sshfleet.plan.draining import next_step, problems
from sshfleet.plan.reconcile import Asked, reconcile
from sshfleet.plan.world import World


def emptied(plan: Plan, world: World, scope: frozenset[UnitName], asked: Asked) -> Plan:
    """Add to a plan what is to move next, once nothing else is to be done; `world` has its
    decisions. What `asked.drain` remembers of the run is brought up to date."""
    if asked.drain is None:
        return plan
    while True:
        step = next_step(world, scope, plan, asked.drain)
        if not step.events:
            break
        world = replace(world, desired=fold(world.desired, step.events))
        again = reconcile(world, scope, asked)
        before = tuple(one for one in plan.decisions if one not in again.decisions)
        plan = replace(
            again,
            decisions=(*before, *step.events, *again.decisions),
            unplaceable=plan.unplaceable,
            away=plan.away,
            frozen=plan.frozen,
        )
        if asked.drain.foresee or plan.actions or plan.waiting:
            break
    told = (*plan.problems, *problems(asked.drain))
    return replace(plan, problems=told, remaining=step.remaining)

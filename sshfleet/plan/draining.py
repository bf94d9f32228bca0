"""Draining: machines that are to lose their units, one group of them after the other.

Rule 1: the next group moves only when the plan has nothing to do and nothing to wait for, and when
what moved before in this run is as wanted: a unit that fails on its new machine ends the drain,
unless it failed in the same way before.
Rule 2: a group moves as a whole, to a machine that may run all of it, or stays and runs on; it
never pushes anything off there. Global units have nowhere to go: they just leave, after the others.
Rule 3: units that are handed over (`handing`) stand on both machines until the new copy is as
wanted, and only then leave the old one; when the new one fails they leave that.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sshfleet.model.action import Plan, Problem, Remaining
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from sshfleet.plan.board import FIXED
from sshfleet.plan.destination import destination
from sshfleet.plan.draft import Draft, Leaving
from sshfleet.plan.handing import HandingOver, may_hand_over, under_way
from sshfleet.plan.order import Group, groups
from sshfleet.plan.roster import Candidate
from sshfleet.plan.world import World


@dataclass(slots=True)
class Emptying:
    """How far a run is with the machines that are drained.

    `begun` are the units that it moved, `failed` those that did not come up on a new machine, which
    is told with the reason; `known` are problems that were there before. It begins no more moves
    unless `may_begin`. A run that carries nothing out looks ahead to the end (`foresee`).
    """

    may_begin: bool = True
    foresee: bool = False
    begun: set[UnitName] = field(default_factory=set)
    failed: dict[UnitName, tuple[MachineName, str]] = field(default_factory=dict)
    known: set[tuple[UnitName, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Step:
    """What a drain decides next; once that is nothing, also which units can go nowhere."""

    events: tuple[UnitPlaced | UnitUnplaced, ...] = ()
    remaining: tuple[Remaining, ...] = ()


def next_step(world: World, scope: frozenset[UnitName], plan: Plan, run: Emptying) -> Step:
    """Decide how a drain goes on, given the plan without it; take note of that in `run`."""
    if not run.foresee and (plan.actions or plan.waiting):
        return Step()
    draft = Draft(world, scope)
    handed = under_way(draft)
    for one in handed:
        _go_on(draft, one, plan, run)
    if run.foresee:
        remaining = _moves(draft, until_first=False)
        return Step(draft.events(), tuple(remaining))
    if not draft.events() and not handed and run.may_begin and not _has_failed(plan, run):
        _moves(draft, until_first=True)
    if events := draft.events():
        run.begun.update(event.unit for event in events)
        run.known.update((item.unit, item.why) for item in plan.problems)
        return Step(events)
    return Step(remaining=tuple(_moves(draft, until_first=False)))


def problems(run: Emptying) -> tuple[Problem, ...]:
    """Tell which units were taken back from a new machine, and why."""
    return tuple(
        Problem(unit, machine, f"{why}; it was to come here and stays where it was")
        for unit, (machine, why) in sorted(run.failed.items())
    )


def _has_failed(plan: Plan, run: Emptying) -> bool:
    """Tell whether what moved in this run is not as wanted, or the fault may be on this side."""
    bad = {item.unit for item in plan.problems if (item.unit, item.why) not in run.known}
    bad |= {item.unit for part in (plan.away, plan.unplaceable) for item in part}
    return bool(plan.frozen or run.failed or bad & run.begun)


def _go_on(draft: Draft, one: HandingOver, plan: Plan, run: Emptying) -> None:
    """Bring a hand-over to its end, unless nobody knows how the new copies are."""
    if any(item.unit in one.units and item.machine == one.new.name for item in plan.away):
        return
    old = {(item.unit, item.why) for item in plan.problems if item.machine == one.old.name}
    failed = {
        item.unit: item.why
        for item in plan.problems
        if item.unit in one.units
        and item.machine == one.new.name
        and (item.unit, item.why) not in run.known | old
    }
    if not failed:
        handed = Leaving(f"handed over to {one.new.name}")
        draft.take(one.old.id, dict.fromkeys(one.units, handed))
        return
    first = min(failed)
    draft.take(one.new.id, dict.fromkeys(one.units, Leaving(f"{first}: {failed[first]}")))
    run.failed.update({unit: (one.new.name, why) for unit, why in failed.items()})


def _moves(draft: Draft, *, until_first: bool) -> list[Remaining]:
    """Move the first group that can be, or all to where they end; return who can go nowhere."""
    remaining: list[Remaining] = []
    for machine, group in _queue(draft):
        staying = _leave(draft, machine, group, at_once=not until_first)
        remaining += staying
        if until_first and not staying:
            break
    return remaining


def _queue(draft: Draft) -> Iterator[tuple[Candidate, Group]]:
    """Yield who is to leave which machine, in groups that move together; global units last."""
    handed = frozenset().union(*(one.units for one in under_way(draft)))
    found = [
        (machine, group)
        for machine in draft.board.roster.known.values()
        if machine.draining and machine.answered
        for group in _groups(draft, machine, handed)
    ]
    yield from sorted(found, key=lambda pair: pair[1][0].rules.is_global)


def _groups(draft: Draft, machine: Candidate, handed: AbstractSet[UnitName]) -> Iterator[Group]:
    """Part who stands on a machine into groups, those left out that may not move now."""
    there = [name for name in draft.board.units_on(machine.id) if name not in handed]
    for group in groups(draft.tenants[name] for name in there):
        if all(one.rank != FIXED or one.unread for one in group):
            yield group


def _leave(draft: Draft, machine: Candidate, group: Group, *, at_once: bool) -> Iterable[Remaining]:
    """Let a group leave a machine, `at_once` or by a hand-over where that may be; say of each unit
    why not when it cannot."""
    why = Leaving(f"{machine.name} is being drained")
    if unread := [each.name for each in group if each.unread]:
        told = {machine.name: (f"the text of {unread[0]} cannot be read",)}
        return [Remaining(each.name, machine.name, told) for each in group]
    if group[0].rules.is_global:
        return _leave_for_good(draft, machine, group[0].name, why)
    newcomers = [draft.newcomer(each.name) for each in group]
    found = destination(draft, newcomers)
    if found.machine is None:
        return [Remaining(each.name, machine.name, found.told(each.name)) for each in group]
    if at_once or not all(may_hand_over(draft, each) for each in group):
        draft.take(machine.id, {each.name: why for each in group})
    for each in newcomers:
        draft.put(each, found.machine.id, found.why[each.name])
    return ()


def _leave_for_good(
    draft: Draft, machine: Candidate, name: UnitName, why: Leaving
) -> Iterable[Remaining]:
    """Let a global unit leave, unless one that cannot leave needs it."""
    leaving = draft.with_followers({name: why.why}, machine.id)
    held = sorted(one for one in leaving if not draft.tenants[one].rules.is_global)
    if held:
        return [Remaining(name, machine.name, {machine.name: (f"{held[0]} needs it here",)})]
    draft.take(machine.id, leaving)
    return ()

"""Machines that are drained end empty, or with reasons; one group moves at a time."""

import random
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given

from sshfleet.model.action import Plan, Remaining
from sshfleet.model.desired import fold
from sshfleet.model.event import MachineDraining, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import HandOver, MachineName
from sshfleet.model.unit import UnitName
from sshfleet.plan.draft import Draft
from sshfleet.plan.draining import Emptying, next_step
from sshfleet.plan.handing import may_hand_over
from sshfleet.plan.roster import roster_of
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World
from tests.plan.laws import Command, chances, commands, laws

Steps = list[tuple[World, tuple[UnitPlaced | UnitUnplaced, ...]]]


def drained(command: Command, chance: random.Random) -> World:
    """Bring a world to rest, then let some of its machines be drained; some units hand over."""
    of, _ = command
    units = {
        name: replace(
            each,
            requirements=replace(each.requirements, hand_over=chance.choice(list(HandOver))),
        )
        for name, each in of.units.items()
    }
    of = replace(of, units=units)
    of = replace(of, desired=fold(of.desired, schedule(of, frozenset(units)).events))
    names = [machine.name for machine in of.fleet.machines if chance.random() < 0.5]
    return replace(of, desired=fold(of.desired, [MachineDraining(name) for name in names]))


def carried_out(world: World) -> tuple[Steps, World, tuple[Remaining, ...]]:
    """Go on until there is nothing to do, as if all that is decided came to be so."""
    run, steps, everything = Emptying(), Steps(), frozenset(world.units)
    while True:
        step = next_step(world, everything, Plan(), run)
        if not step.events:
            return steps, world, step.remaining
        steps.append((world, step.events))
        world = replace(world, desired=fold(world.desired, step.events))


def still_there(world: World) -> Iterator[tuple[str, MachineName]]:
    for one in roster_of(world).known.values():
        if one.draining and one.answered:
            for name, unit in world.desired.units.items():
                if one.id in unit.placements:
                    yield name, one.name


@laws
@given(commands, chances)
def test_a_drained_machine_ends_empty_or_each_unit_that_stays_has_reasons(
    command: Command, chance: random.Random
) -> None:
    _, then, remaining = carried_out(drained(command, chance))
    assert sorted(still_there(then)) == sorted((one.unit, one.machine) for one in remaining)
    for one in remaining:
        assert one.reasons
        assert all(one.reasons.values())


@laws
@given(commands, chances)
def test_one_group_moves_at_a_time_and_only_what_hands_over_is_twice(
    command: Command, chance: random.Random
) -> None:
    steps, *_ = carried_out(drained(command, chance))
    for world, events in steps:
        came = {event.machine for event in events if isinstance(event, UnitPlaced)}
        left = {event.machine for event in events if isinstance(event, UnitUnplaced)}
        assert len(came) <= 1
        assert len(left) <= 1
        draft = Draft(world, frozenset(world.units))
        then = fold(world.desired, events)
        for name in {event.unit for event in events}:
            tenant = draft.tenants[name]
            if not tenant.rules.is_global and not may_hand_over(draft, tenant):
                assert len(then.units[name].placements) <= 1
        names = {event.unit for event in events}
        bound = {UnitName(peer) for name in names for peer in draft.tenants[name].rules.machine_of}
        followers = {other for name in names for other in draft.followers(name)}
        if len(names) > 1:
            assert all(
                name in bound | followers or draft.tenants[name].rules.machine_of for name in names
            )


@laws
@given(commands, chances)
def test_nobody_comes_to_a_machine_that_is_drained(command: Command, chance: random.Random) -> None:
    world = drained(command, chance)
    barred = {one.id for one in roster_of(world).candidates if one.draining}
    steps, *_ = carried_out(world)
    for _, events in steps:
        assert not [e for e in events if isinstance(e, UnitPlaced) and e.machine in barred]


@laws
@given(commands, chances)
def test_what_is_shown_before_is_what_is_done(command: Command, chance: random.Random) -> None:
    world = drained(command, chance)
    step = next_step(world, frozenset(world.units), Plan(), Emptying(foresee=True))
    foreseen = fold(world.desired, step.events)
    _, then, remaining = carried_out(world)
    for name, unit in foreseen.units.items():
        assert unit.placements == then.desired.units[name].placements
    assert {one.unit for one in step.remaining} == {one.unit for one in remaining}

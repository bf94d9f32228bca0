import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshfleet.model.desired import fold
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineId
from sshfleet.model.observed import Observed, Reached
from sshfleet.model.unit import UnitName
from sshfleet.plan.scheduler import Schedule, schedule
from sshfleet.plan.world import World
from tests.builders import silent
from tests.plan import oracle
from tests.strategies import worlds_with_scope

Command = tuple[World, frozenset[UnitName]]
K = TypeVar("K")
V = TypeVar("V")

commands = worlds_with_scope()
laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def after(of: World, made: Schedule) -> World:
    return replace(of, desired=fold(of.desired, made.events))


def certain(of: World, name: UnitName) -> list[MachineId]:
    """Return a unit's machines that exactly one inventory entry stands for."""
    return [m for m in of.desired.units[name].placements if len(oracle.owners(of, m)) == 1]


@laws
@given(commands)
def test_no_unit_is_on_a_machine_that_fails_its_rules(command: Command) -> None:
    of, scope = command
    then = after(of, schedule(of, scope))
    for name in oracle.movable(then, scope):
        for machine in certain(then, name):
            [entry] = oracle.owners(then, machine)
            assert not oracle.misfit(then, name, entry)
            assert not oracle.lonely(then, name, machine)


@laws
@given(commands)
def test_no_two_units_that_conflict_are_together(command: Command) -> None:
    of, scope = command
    then = after(of, schedule(of, scope))
    for name in oracle.movable(then, scope):
        for machine in certain(then, name):
            assert oracle.clashing(then, name, machine) == []


@laws
@given(commands)
def test_a_unit_that_is_not_global_is_in_one_place_at_most(command: Command) -> None:
    of, scope = command
    then = after(of, schedule(of, scope))
    for name in oracle.movable(then, scope):
        if not of.units[name].requirements.is_global:
            assert len(then.desired.units[name].placements) <= 1


@laws
@given(commands)
def test_no_second_copy_while_the_first_cannot_be_asked_about(command: Command) -> None:
    of, scope = command
    for event in schedule(of, scope).events:
        local = not of.units[event.unit].requirements.is_global
        if isinstance(event, UnitPlaced) and local:
            elsewhere = of.desired.units[event.unit].holders - {event.machine}
            assert all(oracle.can_be_asked(of, holder) for holder in elsewhere)


@laws
@given(commands)
def test_nothing_outside_the_scope_moves(command: Command) -> None:
    of, scope = command
    made = schedule(of, scope)
    assert {event.unit for event in made.events} <= scope
    assert {answer.unit for answer in made.unplaceable} <= scope


@laws
@given(commands)
def test_a_second_schedule_says_the_same_and_does_nothing(command: Command) -> None:
    of, scope = command
    first = schedule(of, scope)
    second = schedule(after(of, first), scope)
    assert second.events == ()
    assert second.unplaceable == first.unplaceable


@settings(laws, max_examples=400)  # two placed units of different age must meet on one machine
@given(commands)
def test_a_placement_that_may_stay_stays(command: Command) -> None:
    of, scope = command
    for event in schedule(of, scope).events:
        if not isinstance(event, UnitUnplaced):
            continue
        rules, wanted = of.units[event.unit].requirements, of.desired.units[event.unit]
        alone = rules.is_global or len(wanted.placements) == 1
        if alone and not rules.machine_of:  # peers may leave, and it must go with them
            [entry] = oracle.owners(of, event.machine)
            others = oracle.clashing(of, event.unit, event.machine)
            elders = [name for name in others if gives_way(of, scope, event.unit, name)]
            assert oracle.misfit(of, event.unit, entry) or elders


def gives_way(of: World, scope: frozenset[UnitName], one: UnitName, to: UnitName) -> bool:
    units = of.desired.units
    return to not in scope or (units[to].generation, to) < (units[one].generation, one)


@laws
@given(commands)
def test_each_unit_goes_where_it_should_in_its_turn(command: Command) -> None:
    of, scope = command
    made = schedule(of, scope)
    ended = [event for event in made.events if isinstance(event, UnitUnplaced)]
    assert list(made.events[: len(ended)]) == ended
    now = replace(of, desired=fold(of.desired, ended))
    for event in made.events[len(ended) :]:
        assert isinstance(event, UnitPlaced)
        assert event.generation == now.desired.generation + 1
        fit = fitting(now, event.unit)
        if of.units[event.unit].requirements.is_global:
            assert event.machine in fit
        else:
            holders = now.desired.units[event.unit].holders
            load = Counter(m for u in now.desired.units.values() for m in u.placements)
            best = [machine for machine in fit if machine in holders] or fit
            assert event.machine == min(best, key=lambda machine: (load[machine], machine))
        now = replace(now, desired=fold(now.desired, [event]))


def fitting(of: World, name: UnitName) -> list[MachineId]:
    entries = [entry for entry in of.fleet.machines if oracle.may_be_given(of, name, entry)]
    return [machine for entry in entries if (machine := oracle.id_of(of, entry))]


@laws
@given(commands)
def test_what_is_unplaceable_can_really_be_nowhere(command: Command) -> None:
    of, scope = command
    made = schedule(of, scope)
    then = after(of, made)
    for answer in made.unplaceable:
        assert fitting(then, answer.unit) == []
        assert list(answer.reasons) == [entry.name for entry in of.fleet.machines]
        assert all(answer.reasons.values())


@laws
@given(commands)
def test_every_unit_of_the_scope_is_placed_or_answered_for(command: Command) -> None:
    of, scope = command
    made = schedule(of, scope)
    then = after(of, made)
    homeless = [
        name for name in oracle.placeable(then, scope) if not then.desired.units[name].placements
    ]
    assert [answer.unit for answer in made.unplaceable] == homeless


@laws
@given(commands)
def test_a_global_unit_is_on_every_machine_that_may_have_it(command: Command) -> None:
    of, scope = command
    then = after(of, schedule(of, scope))
    for name in oracle.placeable(then, scope):
        if of.units[name].requirements.is_global:
            assert then.desired.units[name].placements.issuperset(fitting(then, name))


@laws
@given(commands, st.data())
def test_a_machine_that_falls_silent_gains_nothing_and_loses_nothing(
    command: Command, data: st.DataObject
) -> None:
    of, scope = undisputed(command[0]), command[1]
    hosts = [entry.name for entry in of.fleet.machines]
    quiet = data.draw(st.sets(st.sampled_from(hosts))) if hosts else set()
    changed = of.observed.merged(Observed(dict.fromkeys(quiet, silent())))
    made, before = schedule(replace(of, observed=changed), scope), schedule(of, scope)
    silenced = {of.desired.id_of(name) for name in quiet}
    assert not [e for e in made.events if isinstance(e, UnitPlaced) and e.machine in silenced]
    assert ended(made) == ended(before)


def undisputed(of: World) -> World:
    """Silence the machines that answer as another one."""
    reports = of.observed.reports.items()
    clones = [
        name
        for name, report in reports
        if isinstance(report, Reached) and report.machine != of.desired.id_of(name)
    ]
    return replace(of, observed=of.observed.merged(Observed(dict.fromkeys(clones, silent()))))


def ended(made: Schedule) -> list[UnitUnplaced]:
    return [event for event in made.events if isinstance(event, UnitUnplaced)]


@laws
@given(commands, st.integers(0, 2**32).map(random.Random))
def test_the_order_of_mappings_changes_nothing(command: Command, chance: random.Random) -> None:
    of, scope = command
    turned = replace(
        of,
        desired=replace(
            of.desired,
            units=shuffled(of.desired.units, chance),
            machines=shuffled(of.desired.machines, chance),
        ),
        units=shuffled(of.units, chance),
        observed=Observed(shuffled(of.observed.reports, chance)),
    )
    assert repr(schedule(turned, scope)) == repr(schedule(of, scope))


def shuffled(mapping: Mapping[K, V], chance: random.Random) -> dict[K, V]:
    items = list(mapping.items())
    chance.shuffle(items)
    return dict(items)


@settings(deadline=None, max_examples=5, suppress_health_check=list(HealthCheck))
@given(worlds_with_scope(max_machines=40, max_units=200))
def test_the_laws_hold_in_large_fleets(command: Command) -> None:
    of, scope = command
    made = schedule(of, scope)
    then = after(of, made)
    assert schedule(then, scope) == Schedule((), made.unplaceable)
    for name in oracle.movable(then, scope):
        for machine in certain(then, name):
            assert oracle.own_rules_hold(then, name, oracle.owners(then, machine)[0])

"""Each unit goes where it should, and what is unplaceable really can be nowhere."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings

from sshfleet.model.desired import fold
from sshfleet.model.machine import Machine
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World
from tests.plan import oracle
from tests.plan.laws import Command, came, case_of, commands, ended, fitting, laws


@laws
@given(commands)
def test_each_unit_goes_where_it_should_in_its_turn(command: Command) -> None:
    of, scope = plain(command[0]), command[1]
    made = schedule(of, scope)
    leaving = ended(made)
    assert list(made.events[: len(leaving)]) == leaving
    now = replace(of, desired=fold(of.desired, leaving))
    for event in came(made):
        assert event.generation == now.desired.generation + 1
        fit = fitting(now, event.unit)
        if oracle.rules(of, event.unit).is_global:
            assert event.machine in fit
        else:
            holders = now.desired.units[event.unit].holders
            load = Counter(m for u in now.desired.units.values() for m in u.placements)
            best = [place for place in fit if place in holders] or fit
            assert event.machine == min(best, key=lambda place: (load[place], place))
        now = replace(now, desired=fold(now.desired, [event]))


def plain(of: World) -> World:
    """Take away the rules by which units go together or push each other off."""

    def alone(unit: Unit) -> Unit:
        return replace(unit, requirements=replace(unit.requirements, machine_of=(), replaces=()))

    return replace(of, units={name: alone(unit) for name, unit in of.units.items()})


@settings(laws, max_examples=256)
@given(commands)
def test_what_is_unplaceable_can_really_be_nowhere(command: Command) -> None:
    case = case_of(*command)
    homeless = [answer.unit for answer in case.made.unplaceable]
    for answer in case.made.unplaceable:
        together = oracle.needed(case.then, answer.unit, homeless)
        for entry in case.of.fleet.machines:
            assert not oracle.has_a_way_in(case.then, together, entry)
        assert list(answer.reasons) == [entry.name for entry in case.of.fleet.machines]
        assert all(answer.reasons.values())


@laws
@given(commands)
def test_every_unit_is_placed_or_answered_for(command: Command) -> None:
    case = case_of(*command)
    homeless = [
        name
        for name in oracle.placeable(case.then, case.scope | case.single)
        if not case.then.desired.units[name].placements
    ]
    assert [answer.unit for answer in case.made.unplaceable] == homeless


@laws
@given(commands)
def test_a_global_unit_is_on_every_machine_that_may_have_it(command: Command) -> None:
    case = case_of(*command)
    for name in oracle.placeable(case.then, case.scope):
        if oracle.rules(case.of, name).is_global:
            standing = case.then.desired.units[name].placements
            assert standing.issuperset(fitting(case.then, name))


@settings(laws, max_examples=256)
@given(commands)
def test_a_group_that_can_be_together_is(command: Command) -> None:
    of, scope = command
    groups = [group for group in oracle.parts(of, newcomers(of, scope)) if len(group) > 1]
    for group in groups:
        if any(can_be_together(of, group, entry) for entry in of.fleet.machines):
            events = schedule(of, group).events
            assert {event.unit for event in events} >= group
            assert len({event.machine for event in events if event.unit in group}) == 1


def newcomers(of: World, scope: frozenset[UnitName]) -> list[UnitName]:
    return [
        name
        for name in oracle.placeable(of, scope)
        if not oracle.rules(of, name).is_global and not of.desired.units[name].placements
    ]


def can_be_together(of: World, group: frozenset[UnitName], entry: Machine) -> bool:
    """Tell whether a whole group may be on a machine and nobody has to leave for it."""
    place = oracle.id_of(of, entry)
    if place is None:
        return False
    then = oracle.with_units(of, group, place)
    fits = all(oracle.may_be_given(then, name, entry) for name in group)
    return fits and not any(oracle.pushed(then, name, place) for name in group)

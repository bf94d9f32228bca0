"""Nobody is where they must not be, and nothing moves that must not: over random fleets."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sshfleet.model.action import Verb
from sshfleet.model.desired import fold
from sshfleet.model.event import MachineCordoned, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineId
from sshfleet.model.observed import Observed, Reached
from sshfleet.model.unit import UnitName
from sshfleet.plan.planner import make_plan
from sshfleet.plan.reach import reach
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World
from tests.builders import silent
from tests.plan import oracle
from tests.plan.laws import (
    Command,
    at_rest,
    came,
    case_of,
    commands,
    ended,
    fitting,
    laws,
    some_machines,
)
from tests.strategies import worlds_with_scope


@laws
@given(commands)
def test_no_unit_is_on_a_machine_that_fails_its_rules(command: Command) -> None:
    case = case_of(*command)
    for name in case.judged:
        for place, entry in case.certain(name):
            assert not oracle.misfit(case.then, name, entry)
            assert not oracle.lonely(case.then, name, place)


@laws
@given(commands)
def test_no_two_units_that_conflict_are_together(command: Command) -> None:
    case = case_of(*command)
    for name in case.judged:
        for place, _ in case.certain(name):
            assert oracle.clashing(case.then, name, place) == []


@laws
@given(commands)
def test_no_unit_is_beside_one_that_replaces_it(command: Command) -> None:
    case = case_of(*command)
    for name in case.judged:
        for place, _ in case.certain(name):
            if oracle.can_be_asked(case.of, place):
                assert oracle.pushing(case.then, name, place) == []
                assert oracle.pushed(case.then, name, place) == []


@laws
@given(commands)
def test_a_unit_that_is_not_global_is_in_one_place_at_most(command: Command) -> None:
    case = case_of(*command)
    for name in case.judged:
        if not oracle.rules(case.of, name).is_global:
            assert len(case.then.desired.units[name].placements) <= 1


@laws
@given(commands)
def test_no_second_copy_while_the_first_cannot_be_asked_about(command: Command) -> None:
    case = case_of(*command)
    for event in came(case.made):
        if not oracle.rules(case.of, event.unit).is_global:
            elsewhere = case.of.desired.units[event.unit].holders - {event.machine}
            assert all(oracle.can_be_asked(case.of, holder) for holder in elsewhere)


@laws
@given(commands)
def test_what_comes_to_a_machine_may_be_there_by_every_rule(command: Command) -> None:
    case = case_of(*command)
    for event in came(case.made):
        [entry] = oracle.owners(case.then, event.machine)
        assert oracle.may_be_given(case.then, event.unit, entry)


@laws
@given(commands)
def test_nothing_moves_that_the_scope_does_not_reach(command: Command) -> None:
    case = case_of(*command)
    assert case.moved <= reach(case.of, case.scope)
    assert {answer.unit for answer in case.made.unplaceable} <= case.scope | case.moved


@laws
@given(commands)
def test_what_moves_beyond_the_scope_was_pushed_off_or_follows(command: Command) -> None:
    case = case_of(*command)
    comers = {event.unit for event in came(case.made)} | case.scope
    leavers = {(event.unit, event.machine) for event in ended(case.made)}
    for event in case.made.events:
        if event.unit not in case.scope:
            assert (event.unit, event.machine) in leavers or isinstance(event, UnitPlaced)
            assert event.unit in {name for name, _ in leavers}
        if event.unit not in case.scope and isinstance(event, UnitUnplaced):
            follows = any(
                (peer, event.machine) in leavers for peer in oracle.peers(case.of, event.unit)
            )
            assert follows or any(oracle.pushes(case.of, one, event.unit) for one in comers)


@laws
@given(commands)
def test_nothing_is_done_to_units_outside_the_scope_that_did_not_move(command: Command) -> None:
    of, scope = command
    plan = make_plan(of, scope, Asked())
    moved = frozenset(event.unit for event in schedule(of, scope).events)
    for action in plan.actions:
        if action.unit not in scope | moved:  # what must be gone before another may come
            assert action.verb is Verb.REMOVE
            assert action.machine_id not in of.desired.units[action.unit].placements


@laws
@given(commands, st.data())
def test_a_machine_that_falls_silent_gains_nothing_and_loses_nothing(
    command: Command, data: st.DataObject
) -> None:
    of, scope = undisputed(command[0]), command[1]
    quiet = data.draw(some_machines(of))
    changed = of.observed.merged(Observed(dict.fromkeys(quiet, silent())))
    made, before = schedule(replace(of, observed=changed), scope), schedule(of, scope)
    silenced = {of.desired.id_of(name) for name in quiet}
    assert not [event for event in came(made) if event.machine in silenced]
    gone_before = {(event.unit, event.machine) for event in ended(before)}
    for event in ended(made):
        if event.machine in silenced and (event.unit, event.machine) not in gone_before:
            assert event.unit in ill_placed(of, event.machine)


def ill_placed(of: World, place: MachineId) -> frozenset[UnitName]:
    """Return those whose rules did not hold before (some come back at once) and who follow them."""
    [entry] = oracle.owners(of, place)
    there = oracle.movable(of, oracle.residents(of.desired, place))
    surplus = [
        name
        for name in there
        if not oracle.rules(of, name).is_global and len(of.desired.units[name].placements) > 1
    ]
    bad = [name for name in there if not oracle.own_rules_hold(of, name, entry)]
    return oracle.following(of, [*bad, *surplus], place)


def undisputed(of: World) -> World:
    """Silence the machines that answer as another one."""
    reports = of.observed.reports.items()
    clones = [
        name
        for name, report in reports
        if isinstance(report, Reached) and report.machine != of.desired.id_of(name)
    ]
    return replace(of, observed=of.observed.merged(Observed(dict.fromkeys(clones, silent()))))


@laws
@given(commands, st.data())
def test_a_cordoned_machine_gains_nothing_and_cordoning_moves_nothing(
    command: Command, data: st.DataObject
) -> None:
    of, scope = command
    names = data.draw(some_machines(of))
    barred = replace(of, desired=fold(of.desired, [MachineCordoned(name) for name in names]))
    closed = {
        oracle.id_of(of, entry)
        for entry in of.fleet.machines
        if entry.name in barred.desired.cordoned
    }
    assert not [event for event in came(schedule(barred, scope)) if event.machine in closed]
    settled, scope = at_rest(command)
    shut = [MachineCordoned(entry.name) for entry in of.fleet.machines]
    assert not schedule(replace(settled, desired=fold(settled.desired, shut)), scope).events


@settings(laws, max_examples=4)
@given(worlds_with_scope(max_machines=40, max_units=200))
def test_the_laws_hold_in_large_fleets(command: Command) -> None:
    case = case_of(*command)
    again = schedule(case.then, case.scope | case.single)
    assert (again.events, again.unplaceable) == ((), case.made.unplaceable)
    assert case.moved <= reach(case.of, case.scope)
    for name in case.judged:
        for place, entry in case.certain(name):
            assert oracle.own_rules_hold(case.then, name, entry)
            if oracle.can_be_asked(case.of, place):
                assert oracle.pushing(case.then, name, place) == []
    for answer in case.made.unplaceable:
        assert fitting(case.then, answer.unit) == [] or oracle.rules(case.of, answer.unit).replaces

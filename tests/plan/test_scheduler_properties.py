"""The laws of the scheduler, over random fleets with every rule there is.

Safety: nobody is where they must not be. Completeness: "unplaceable" is true. Scope, cordon and
policy: what must not move does not. Stickiness and convergence: what may stay stays. Determinism.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshfleet.model.action import Verb
from sshfleet.model.desired import fold
from sshfleet.model.event import MachineCordoned, TargetSet, TargetState, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import Machine, MachineId, MachineName
from sshfleet.model.observed import Observed, Reached
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.planner import make_plan
from sshfleet.plan.reach import reach
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.scheduler import Schedule, schedule
from sshfleet.plan.world import World
from tests.builders import reached, silent
from tests.plan import oracle
from tests.strategies import machines, worlds_with_scope

Command = tuple[World, frozenset[UnitName]]
K = TypeVar("K")
V = TypeVar("V")

commands = worlds_with_scope()
laws = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
chances = st.integers(0, 2**32).map(random.Random)


@dataclass(frozen=True)
class Case:
    """A command, what the scheduler made of it, and the world after that."""

    of: World
    scope: frozenset[UnitName]
    made: Schedule
    then: World

    @property
    def moved(self) -> frozenset[UnitName]:
        """Return the units that moved, be they in the scope or not."""
        return frozenset(event.unit for event in self.made.events)

    @property
    def judged(self) -> list[UnitName]:
        """Return the units whose rules must hold afterwards."""
        return oracle.movable(self.then, self.scope | self.single)

    @property
    def single(self) -> frozenset[UnitName]:
        """Return the units that moved as a whole, not just from one of many machines."""
        units = self.of.desired.units
        return frozenset(
            name
            for name in self.moved
            if not oracle.rules(self.of, name).is_global and len(units[name].placements) <= 1
        )

    def certain(self, name: UnitName) -> Iterator[tuple[MachineId, Machine]]:
        """Yield a unit's machines that exactly one inventory entry stands for."""
        for place in sorted(self.then.desired.units[name].placements):
            if len(owners := oracle.owners(self.then, place)) == 1:
                yield place, owners[0]


def case_of(of: World, scope: frozenset[UnitName]) -> Case:
    made = schedule(of, scope)
    return Case(of, scope, made, after(of, made))


def after(of: World, made: Schedule) -> World:
    return replace(of, desired=fold(of.desired, made.events))


def came(made: Schedule) -> list[UnitPlaced]:
    return [event for event in made.events if isinstance(event, UnitPlaced)]


def ended(made: Schedule) -> list[UnitUnplaced]:
    return [event for event in made.events if isinstance(event, UnitUnplaced)]


# Safety


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


# Scope


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


# Stickiness and convergence


@laws
@given(commands)
def test_a_second_schedule_says_the_same_and_does_nothing(command: Command) -> None:
    case = case_of(*command)
    assert schedule(case.then, case.scope).events == ()
    second = schedule(case.then, case.scope | case.single)
    assert second.events == ()
    assert second.unplaceable == case.made.unplaceable


@settings(laws, max_examples=100)  # two placed units of different age must meet on one machine
@given(commands)
def test_a_placement_that_may_stay_stays(command: Command) -> None:
    case = case_of(*command)
    for event in ended(case.made):
        alone = oracle.rules(case.of, event.unit).is_global or len(places(case, event.unit)) == 1
        if alone and event.unit in case.scope:
            assert has_to_leave(case, event.unit, event.machine)


def places(case: Case, name: UnitName) -> frozenset[MachineId]:
    return case.of.desired.units[name].placements


def has_to_leave(case: Case, name: UnitName, place: MachineId) -> bool:
    [entry] = oracle.owners(case.of, place)
    elders = [o for o in oracle.clashing(case.of, name, place) if gives_way(case, name, o)]
    peers = oracle.peers(case.of, name)
    comers = {event.unit for event in came(case.made)} | {*oracle.residents(case.of.desired, place)}
    return bool(
        oracle.misfit(case.of, name, entry)
        or elders
        or any(place not in places(case, peer) for peer in peers if peer in case.of.desired.units)
        or any(peer not in case.of.desired.units for peer in peers)
        or any(left.unit in peers and left.machine == place for left in ended(case.made))
        or any(oracle.pushes(case.of, one, name) for one in comers)
        or oracle.pushed(case.of, name, place)
    )


def gives_way(case: Case, one: UnitName, to: UnitName) -> bool:
    units = case.of.desired.units
    return to not in case.scope or (units[to].generation, to) < (units[one].generation, one)


@laws
@given(commands, st.data())
def test_a_machine_that_joins_gets_global_units_and_moves_nothing(
    command: Command, data: st.DataObject
) -> None:
    settled, scope = at_rest(command)
    [entry] = data.draw(machines(["zz"]))
    joined = replace(
        settled,
        fleet=replace(settled.fleet, machines=(entry, *settled.fleet.machines)),
        observed=settled.observed.merged(Observed({entry.name: reached(entry.name)})),
    )
    for event in schedule(joined, scope).events:
        assert isinstance(event, UnitPlaced)
        assert oracle.rules(settled, event.unit).is_global


@laws
@given(commands, st.data())
def test_load_that_changes_moves_nothing(command: Command, data: st.DataObject) -> None:
    settled, scope = at_rest(command)
    needed = {peer for name in settled.units for peer in oracle.peers(settled, name)}
    idle = sorted(settled.desired.units.keys() - needed)
    gone = data.draw(st.sets(st.sampled_from(idle))) if idle else set()
    stop = [TargetSet(name, TargetState.INACTIVE) for name in sorted(gone)]
    lighter = replace(settled, desired=fold(settled.desired, stop))
    for event in schedule(lighter, scope).events:
        assert isinstance(event, UnitPlaced)
        assert oracle.rules(settled, event.unit).is_global


def at_rest(command: Command) -> Command:
    """Let a command be done; leave out of the scope what was found no place for."""
    case = case_of(*command)
    return case.then, case.scope - {answer.unit for answer in case.made.unplaceable}


# Completeness


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


def fitting(of: World, name: UnitName) -> list[MachineId]:
    entries = [entry for entry in of.fleet.machines if oracle.may_be_given(of, name, entry)]
    return [place for entry in entries if (place := oracle.id_of(of, entry))]


@settings(laws, max_examples=100)
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


@laws
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


# Policy


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
    bad = [name for name in there if not oracle.own_rules_hold(of, name, entry)]
    return oracle.following(of, bad, place)


def undisputed(of: World) -> World:
    """Silence the machines that answer as another one."""
    reports = of.observed.reports.items()
    clones = [
        name
        for name, report in reports
        if isinstance(report, Reached) and report.machine != of.desired.id_of(name)
    ]
    return replace(of, observed=of.observed.merged(Observed(dict.fromkeys(clones, silent()))))


def some_machines(of: World) -> st.SearchStrategy[set[MachineName]]:
    names = [entry.name for entry in of.fleet.machines]
    return st.sets(st.sampled_from(names)) if names else st.just(set())


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


# Determinism


@laws
@given(commands, chances)
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


# All at once, in large fleets


@settings(laws, max_examples=5)
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

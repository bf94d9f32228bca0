"""What may stay stays, a second time nothing is done, and no order of mappings counts."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from sshfleet.model.desired import fold
from sshfleet.model.event import TargetSet, TargetState, UnitPlaced
from sshfleet.model.machine import MachineId
from sshfleet.model.observed import Observed
from sshfleet.model.unit import UnitName
from sshfleet.plan.scheduler import schedule
from tests.builders import reached
from tests.plan import oracle
from tests.plan.laws import (
    Case,
    Command,
    at_rest,
    came,
    case_of,
    chances,
    commands,
    ended,
    laws,
)
from tests.strategies import machines

K = TypeVar("K")
V = TypeVar("V")


@laws
@given(commands)
def test_a_second_schedule_says_the_same_and_does_nothing(command: Command) -> None:
    case = case_of(*command)
    assert schedule(case.then, case.scope).events == ()
    second = schedule(case.then, case.scope | case.single)
    assert second.events == ()
    assert second.unplaceable == case.made.unplaceable


@settings(laws, max_examples=256)  # two placed units of different age must meet on one machine
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
        or not all(is_there(case, peer, place) for peer in needed(case, name))
        or any(left.unit in peers and left.machine == place for left in ended(case.made))
        or any(oracle.pushes(case.of, one, name) for one in comers)
        or oracle.pushed(case.of, name, place)
    )


def needed(case: Case, name: UnitName) -> set[UnitName]:
    """Return what a unit needs beside it, and what that needs, and so on."""
    found, new = set[UnitName](), {name}
    while new := {peer for one in new for peer in oracle.peers(case.of, one)} - found:
        found |= new
    return found


def is_there(case: Case, name: UnitName, place: MachineId) -> bool:
    return name in case.of.desired.units and place in places(case, name)


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

"""Histories of machines that the admin gives up."""

from contextlib import suppress

import pytest

from sshfleet.errors import SshfleetError
from sshfleet.model.event import CopyGivenUp
from sshfleet.model.machine import Fleet, MachineName
from sshfleet.plan.evicting import Evicted, staying
from tests.builders import machine, machine_id
from tests.fakes import Killed, dying
from tests.stage import Stage, quiet, service

M1 = Evicted(machine_id("m1"), MachineName("m1"))


def broken(*rules: tuple[str, str]) -> Stage:
    """Let units stand on m1, which does not answer any more, of three machines."""
    stage = Stage(machine("m1"), machine("m2"), machine("m3"))
    stage.transport.away = {"m2", "m3"}
    stage.start(*(service(name, said) for name, said in rules))
    assert stage.running() == {"m1": {name for name, _ in rules}}
    stage.transport.away = {"m1"}
    return stage


def test_what_a_dead_machine_had_runs_elsewhere_in_the_same_run() -> None:
    stage = broken(("a.service", ""), ("b.service", ""))
    assert quiet(stage.evict(M1))
    assert stage.running()["m2"] == {"a.service"}
    assert stage.running()["m3"] == {"b.service"}
    reasons = {one.reason for one in stage.journal.events if isinstance(one, CopyGivenUp)}
    assert reasons == {"evicted by me@here"}


def test_a_machine_that_is_back_loses_its_old_copies_and_is_used_again() -> None:
    stage = broken(("a.service", ""))
    stage.evict(M1)
    stage.machines["m1"].power_cycle()
    stage.transport.away.clear()
    before = len(stage.machines["m1"].done)
    assert quiet(stage.start(service("b.service"), service("c.service")))
    stage.reconcile()
    assert "remove a.service" in stage.machines["m1"].done[before:]
    assert "a.service" not in stage.running().get("m1", ())
    assert stage.running()["m1"]


def test_a_machine_that_answers_is_not_evicted() -> None:
    stage = broken(("a.service", ""))
    stage.transport.away.clear()
    before = len(stage.journal.events)
    with pytest.raises(SshfleetError, match="m1 answers") as told:
        stage.evict(M1)
    assert "sshfleet drain m1" in told.value.hint
    assert len(stage.journal.events) == before


def test_what_can_go_nowhere_stays_placed_there() -> None:
    stage = broken(
        ("a.service", f"MachineID={machine_id('m1')}"),
        ("f.service", "MachineOf=a.service"),
        ("b.service", ""),
    )
    result = stage.evict(M1)
    assert stage.running() == {"m1": stage.machines["m1"].running(), "m2": {"b.service"}}
    left = {one.unit: one.reasons for one in staying(result.world, [M1])}
    assert set(left) == {"a.service", "f.service"}
    assert all(left.values())
    assert set(left["a.service"]) == {"m1", "m2", "m3"}  # type: ignore[index]
    placed = stage.journal.state.units
    assert all(placed[name].placements == {M1.id} for name in left)


def test_a_global_unit_does_not_keep_what_needs_it() -> None:
    stage = Stage(machine("m1"), machine("m2"))
    stage.start(service("all.service", "Global=true"))
    stage.transport.away = {"m2"}
    stage.start(service("f.service", "MachineOf=all.service"))
    assert "f.service" in stage.running()["m1"]
    stage.transport.away = {"m1"}
    stage.evict(M1)
    assert stage.machines["m2"].running() == {"all.service", "f.service"}


def test_a_unit_that_was_leaving_the_dead_machine_starts_elsewhere() -> None:
    stage = Stage(machine("m1"))
    stage.start(service("a.service"))
    stage.machines["m1"].slow = True
    stage.machines["m2"] = Stage(machine("m2")).machines["m2"]
    stage.fleet = Fleet(name="test", machines=(machine("m1"), machine("m2")))
    stage.journal.before = dying(7)
    with suppress(Killed):
        stage.drain("m1")
    stage.journal.before = lambda: None
    stage.transport.away = {"m1"}
    assert quiet(stage.evict(M1))
    assert stage.machines["m2"].running() == {"a.service"}


def test_a_machine_that_left_the_inventory_can_be_evicted() -> None:
    stage = broken(("a.service", ""))
    stage.fleet = Fleet(name="test", machines=stage.fleet.machines[1:])
    stage.evict(Evicted(machine_id("m1"), MachineName("m1")))
    assert stage.machines["m2"].running() == {"a.service"}


@pytest.mark.parametrize("step", range(14))
def test_an_evict_that_is_killed_anywhere_is_ended_by_reconcile_or_by_itself(step: int) -> None:
    stage = broken(("a.service", ""), ("f.service", "MachineOf=a.service"))
    die = dying(step)
    stage.journal.before = die
    stage.transport.hook = lambda *_: die()
    with suppress(Killed):
        stage.evict(M1)
    stage.journal.before = lambda: None
    stage.transport.hook = lambda *_: None
    given_up = any(isinstance(one, CopyGivenUp) for one in stage.journal.events)
    stage.reconcile() if given_up else stage.evict(M1)
    assert stage.machines["m2"].running() == {"a.service", "f.service"}

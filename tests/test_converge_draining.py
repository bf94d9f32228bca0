"""Histories of machines that are drained: one group at a time, and killed at any step."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from sshfleet.errors import SshfleetError
from sshfleet.memory import Rehearsal
from sshfleet.model.event import MachineUncordoned, UnitPlaced
from sshfleet.model.machine import Fleet, MachineName
from sshfleet.model.unit import Unit, UnitName
from tests.builders import machine, machine_id
from tests.fake_machine import FakeMachine
from tests.fakes import Killed, dying
from tests.stage import Stage, quiet, service

FIRST = "HandOver=start-first"
NEVER_TWICE = ("a.service", "b.service", "f.service")


def crowded(*units: Unit, machines: int = 2) -> Stage:
    """Let units stand on m1, beside which there are more machines now."""
    stage = Stage(machine("m1"))
    assert quiet(stage.start(*units))
    return joined(stage, machines)


def joined(stage: Stage, machines: int) -> Stage:
    entries = [machine(f"m{number}") for number in range(1, machines + 1)]
    for one in entries[1:]:
        stage.machines[one.name] = FakeMachine(one.name)
    stage.fleet = Fleet(name="test", machines=tuple(entries))
    return stage


def moving(stage: Stage) -> set[str]:
    """Name the units of which one machine has not everything it is to have, or one too much."""
    wanted = stage.journal.state.units.values()
    return {
        unit.name
        for unit in wanted
        for one in stage.machines.values()
        if (machine_id(one.name) in unit.placements) != (unit.name in one.running())
    }


def watched(stage: Stage, step: int | None = None, also: Callable[[], None] = lambda: None) -> None:
    """Look for harm at each journey and append, and let the controller die at one of them."""
    die = dying(step)

    def look(*_: object) -> None:
        for name in NEVER_TWICE:
            there = [one for one in stage.machines.values() if name in one.alive() | one.boots]
            assert len(there) <= 1, f"{name} on {[one.name for one in there]}"
        also()
        die()

    stage.transport.hook = look
    stage.journal.before = die
    for one in stage.machines.values():
        one.hook = look


def test_a_drained_machine_ends_empty_and_its_units_run_elsewhere() -> None:
    stage = crowded(service("a.service"), service("b.service"), machines=3)
    assert quiet(stage.drain("m1"))
    assert stage.running() == {"m2": {"a.service"}, "m3": {"b.service"}}
    assert not stage.machines["m1"].files
    assert stage.journal.state.draining == {"m1"}


def test_one_unit_moves_at_a_time() -> None:
    stage = crowded(service("a.service"), service("b.service"), service("c.service"), machines=3)
    watched(stage, also=lambda: check(moving(stage)))

    def check(names: set[str]) -> None:
        assert len(names) <= 1

    assert quiet(stage.drain("m1"))
    assert not stage.machines["m1"].files


def test_what_belongs_together_moves_together() -> None:
    stage = crowded(service("a.service"), service("f.service", "MachineOf=a.service"))
    stage.start(service("b.service"))
    watched(stage, also=lambda: check(moving(stage)))

    def check(names: set[str]) -> None:
        assert names <= {"a.service", "f.service"} or names <= {"b.service"}

    assert quiet(stage.drain("m1"))
    assert stage.running() == {"m2": {"a.service", "b.service", "f.service"}}


def test_loaded_units_move_and_stay_loaded() -> None:
    stage = Stage(machine("m1"))
    stage.start(service("a.service"), verb="load")
    joined(stage, 2)
    assert quiet(stage.drain("m1"))
    assert stage.running() == {}
    assert stage.machines["m2"].files.keys() == {"a.service"}


def test_global_units_leave_last() -> None:
    stage = Stage(machine("m1"), machine("m2"))
    stage.start(service("all.service", "Global=true"))
    stage.transport.away.add("m2")
    stage.start(service("a.service"))
    stage.transport.away.clear()
    assert stage.running()["m1"] == {"a.service", "all.service"}
    before = len(stage.machines["m1"].done)
    assert quiet(stage.drain("m1"))
    assert stage.machines["m1"].done[before:] == ["remove a.service", "remove all.service"]
    assert stage.running() == {"m2": {"a.service", "all.service"}}
    assert quiet(stage.reconcile())
    assert stage.running() == {"m2": {"a.service", "all.service"}}


def test_what_can_go_nowhere_stays_and_runs_on_with_each_machines_reasons() -> None:
    stage = crowded(service("a.service", f"MachineID={machine_id('m1')}"), service("b.service"))
    result = stage.drain("m1")
    assert stage.running() == {"m1": {"a.service"}, "m2": {"b.service"}}
    (left,) = result.plan.remaining
    assert (left.unit, left.machine) == ("a.service", "m1")
    assert left.reasons[MachineName("m1")] == ("is being drained",)
    assert left.reasons[MachineName("m2")][0].startswith("its machine ID is ")
    again = stage.reconcile()
    assert again.plan.remaining == result.plan.remaining
    assert not again.plan.actions


def test_a_unit_that_fails_on_its_new_machine_ends_the_drain_and_the_next_run_goes_on() -> None:
    stage = crowded(service("a.service"), service("b.service"))
    stage.machines["m2"].starts_as["a.service"] = "fails"
    result = stage.drain("m1")
    assert [one.unit for one in result.plan.problems] == ["a.service"]
    assert stage.running() == {"m1": {"b.service"}}
    stage.reconcile()
    assert stage.running() == {"m2": {"b.service"}}


def test_a_unit_that_failed_before_does_not_hold_up_the_others() -> None:
    stage = crowded(service("a.service"), service("b.service"))
    stage.machines["m1"].processes["a.service"].active = "failed"
    stage.machines["m1"].processes["a.service"].result = "exit-code"
    stage.machines["m2"].starts_as["a.service"] = "fails"
    stage.reconcile()
    stage.drain("m1")
    assert stage.running() == {"m2": {"b.service"}}


def test_a_machine_that_does_not_answer_is_not_drained() -> None:
    stage = crowded(service("a.service"), machines=3)
    stage.transport.away.add("m1")
    with pytest.raises(SshfleetError, match="m1 cannot be drained") as told:
        stage.drain("m1")
    assert "sshfleet evict m1" in told.value.hint
    assert not stage.journal.state.draining


def test_a_dry_run_shows_all_moves_and_does_none() -> None:
    stage = crowded(service("a.service"), service("b.service", FIRST))
    stage.memory = Rehearsal(stage.journal.state)
    plan = stage.drain("m1").plan
    assert [one.unit for one in plan.decisions if isinstance(one, UnitPlaced)] == [
        "a.service",
        "b.service",
    ]
    assert stage.running() == {"m1": {"a.service", "b.service"}}


def test_uncordon_ends_a_drain() -> None:
    stage = crowded(service("a.service"), service("b.service"))
    watched(stage, 8)
    with suppress(Killed):
        stage.drain("m1")
    watched(stage)
    stage.journal.append([MachineUncordoned(MachineName("m1"))])
    stage.reconcile()
    assert "b.service" in stage.running()["m1"]


@pytest.mark.parametrize("step", range(60))
def test_a_drain_that_is_killed_anywhere_is_ended_by_reconcile(step: int) -> None:
    stage = crowded(
        service("a.service"), service("f.service", "MachineOf=a.service"), service("b.service")
    )
    watched(stage, step)
    with suppress(Killed):
        stage.drain("m1")
    watched(stage)
    drained = "m1" in stage.journal.state.draining
    assert quiet(stage.reconcile())
    assert set(stage.running()) == {"m2" if drained else "m1"}
    assert not drained or not stage.machines["m1"].files


def well(stage: Stage, name: str = "s.service") -> None:
    assert any(name in one.running() for one in stage.machines.values())


@pytest.mark.parametrize("more", [[], ["Conflicts=s*"]])
def test_start_first_runs_there_before_it_ends_here(more: list[str]) -> None:
    stage = crowded(service("s.service", "\n".join([FIRST, *more])))
    watched(stage, also=lambda: well(stage))
    both = []
    stage.machines["m1"].hook = lambda: both.append("s.service" in stage.machines["m2"].running())
    assert quiet(stage.drain("m1"))
    assert all(both)
    assert both
    assert stage.running() == {"m2": {"s.service"}}
    assert not stage.machines["m1"].files


def test_start_first_that_fails_there_runs_on_here() -> None:
    stage = crowded(service("s.service", FIRST), service("t.service", FIRST))
    stage.machines["m2"].starts_as["s.service"] = "fails"
    watched(stage, also=lambda: well(stage))
    result = stage.drain("m1")
    assert stage.running() == {"m1": {"s.service", "t.service"}}
    assert not stage.machines["m2"].files
    (problem,) = result.plan.problems
    assert (problem.unit, problem.machine) == ("s.service", "m2")
    assert "stays where it was" in problem.why
    stage.machines["m2"].starts_as.clear()
    assert quiet(stage.reconcile())
    assert stage.running() == {"m2": {"s.service", "t.service"}}


def test_a_hand_over_waits_for_a_new_machine_that_is_away() -> None:
    stage = crowded(service("s.service", FIRST), machines=3)
    watched(stage, 5)
    with suppress(Killed):
        stage.drain("m1")
    watched(stage, also=lambda: well(stage))
    assert len(stage.journal.state.units[UnitName("s.service")].placements) == 2
    stage.transport.away.add("m2")
    stage.reconcile()
    assert stage.running()["m1"] == {"s.service"}
    stage.transport.away.clear()
    assert quiet(stage.reconcile())
    assert stage.running() == {"m2": {"s.service"}}


@pytest.mark.parametrize("step", range(40))
@pytest.mark.parametrize("uncordon", [False, True])
def test_a_hand_over_that_is_killed_anywhere_ends_with_one_copy(step: int, uncordon: bool) -> None:
    stage = crowded(service("s.service", FIRST))
    watched(stage, step, also=lambda: well(stage))
    with suppress(Killed):
        stage.drain("m1")
    watched(stage, also=lambda: well(stage))
    drained = "m1" in stage.journal.state.draining
    if uncordon:
        stage.journal.append([MachineUncordoned(MachineName("m1"))])
    assert quiet(stage.reconcile())
    where = [one.name for one in stage.machines.values() if one.files]
    assert len(where) == 1
    assert list(stage.running()) == where
    if drained and not uncordon:
        assert where == ["m2"]


def test_no_power_cut_starts_a_second_copy_while_a_unit_moves() -> None:
    stage = Stage(machine("m2"))
    assert quiet(stage.start(service("a.service")))
    stage.machines["m1"] = FakeMachine("m1")  # which works before m2 does, in each turn
    stage.fleet = Fleet(name="test", machines=(machine("m1"), machine("m2")))
    watched(stage)
    assert quiet(stage.drain("m2"))
    assert stage.running() == {"m1": {"a.service"}}
    assert stage.machines["m1"].boots == {"a.service"}

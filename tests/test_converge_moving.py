"""What has to move for a command: it is stopped first, started elsewhere, and told of."""

import pytest

from sshfleet.model.event import UnitUnplaced
from sshfleet.model.machine import Fleet
from sshfleet.model.step import Run
from tests.builders import machine
from tests.fakes import Killed, dying
from tests.stage import Stage, quiet, service

V = service("v.service")
F = service("f.service", "MachineOf=v.service")
R = service("r.service", "Replaces=v*\nMachineMetadata=disk=ssd")


@pytest.fixture
def stage() -> Stage:
    made = Stage(machine("m1", disk="ssd"), machine("m2"), machine("m3"))
    assert quiet(made.start(V, F))
    assert made.running() == {"m1": {"v.service", "f.service"}}
    return made


def never_together(stage: Stage) -> None:
    """Check, before each journey, what runs, and what a power cut would start again."""

    def check(*_: object) -> None:
        for one in stage.machines.values():
            assert not {"r.service", "v.service"} <= one.running()
            assert not {"r.service", "v.service"} <= one.boots
        for name in ("v.service", "f.service"):
            assert sum(name in one.running() for one in stage.machines.values()) <= 1

    stage.transport.hook = check


def test_what_is_replaced_moves_with_its_followers_before_the_new_unit_comes(stage: Stage) -> None:
    never_together(stage)
    assert quiet(stage.start(R))
    assert stage.running() == {"m1": {"r.service"}, "m2": {"v.service", "f.service"}}
    assert [sorted(one.files) for one in stage.machines.values()] == [
        ["r.service"],
        ["f.service", "v.service"],
        [],
    ]
    events = len(stage.journal.events)
    assert quiet(stage.reconcile())
    assert len(stage.journal.events) == events


def test_units_that_a_command_does_not_move_are_left_alone(stage: Stage) -> None:
    other = service("vx.service")
    assert quiet(stage.start(other))
    assert "vx.service" in stage.machines["m2"].running()
    stage.machines["m2"].processes["vx.service"].active = "inactive"
    before = list(stage.machines["m2"].done)
    assert quiet(stage.start(R))
    assert not [done for done in stage.machines["m2"].done[len(before) :] if "vx" in done]


def test_the_name_of_what_moves_has_to_be_free_there(stage: Stage) -> None:
    stage.machines["m2"].foreign = {"v.service": "/lib/systemd/system/v.service"}
    assert quiet(stage.start(R))
    assert stage.running() == {"m1": {"r.service"}, "m3": {"v.service", "f.service"}}


def test_the_name_of_what_leaves_because_it_cannot_push_has_to_be_free_there(stage: Stage) -> None:
    pinned = service("v.service", "MachineMetadata=disk=ssd")
    assert quiet(stage.start(pinned, service("r.service", "MachineOf=v.service")))
    stage.machines["m2"].foreign = {"r.service": "/lib/systemd/system/r.service"}
    assert quiet(stage.start(service("r.service", "Replaces=v.*")))
    assert stage.running() == {"m1": {"v.service", "f.service"}, "m3": {"r.service"}}


def test_while_the_stop_takes_its_time_nothing_is_put_in_its_place(stage: Stage) -> None:
    stage.machines["m1"].processes["v.service"].active = "deactivating"
    stage.timeout = 0.05
    result = stage.start(R)
    assert result.timed_out
    assert {(item.unit, item.machine, item.why) for item in result.plan.waiting} == {
        ("v.service", "m1", "stopping"),
        ("v.service", "m2", "it still runs on m1"),
        ("r.service", "m1", "v.service has to leave first"),
    }
    assert "r.service" not in stage.machines["m1"].files


def test_a_run_that_dies_anywhere_is_finished_by_the_next(stage: Stage) -> None:
    for step in range(60):
        again = Stage(machine("m1", disk="ssd"), machine("m2"), machine("m3"))
        again.start(V, F)
        never_together(again)
        check, die = again.transport.hook, dying(step)

        def travel(name: str, run: Run | None, check: object = check, die: object = die) -> None:
            check(name, run)  # type: ignore[operator]
            die()  # type: ignore[operator]

        again.transport.hook = travel
        again.journal.before = die
        try:
            again.start(R)
        except Killed:
            never_together(again)
            again.journal.before = lambda: None
            for one in again.machines.values():
                one.power_cycle()
            again.start(R)
            assert "r.service" in again.running()["m1"]
            assert quiet(again.reconcile())
            assert again.running() == {"m1": {"r.service"}, "m2": {"v.service", "f.service"}}
        else:
            assert step > 5
            return
    pytest.fail("it never came to its end")


def test_what_a_destroyed_unit_left_behind_is_cleared_away_first(stage: Stage) -> None:
    stage.transport.away = {"m1"}
    stage.change("destroy", "v.service")
    stage.transport.away = set()
    never_together(stage)
    assert quiet(stage.start(R))
    assert "r.service" in stage.machines["m1"].running()
    assert "v.service" not in stage.machines["m1"].files


def test_followers_of_a_unit_whose_machine_no_longer_fits_are_brought_along(stage: Stage) -> None:
    ssd = service("v.service", "MachineMetadata=disk=ssd")
    stage.start(ssd)
    machines = (machine("m1"), machine("m2"), machine("m3", disk="ssd"))
    stage.fleet = Fleet(name="test", machines=machines)
    assert quiet(stage.start(ssd))
    assert stage.running() == {"m3": {"v.service", "f.service"}}
    reasons = [e.reason for e in stage.journal.events if isinstance(e, UnitUnplaced)]
    assert reasons == ["has no metadata disk", "follows v.service to m3"]

"""The use case on fake machines: every verb, every outage, and a controller that dies anywhere."""

import pytest

from sshfleet.errors import TryLater
from sshfleet.model.event import MachineCordoned, MachineUncordoned, TargetState
from sshfleet.model.machine import Fleet, MachineName
from sshfleet.model.step import Run
from sshfleet.model.unit import Unit
from tests.builders import machine, machine_id
from tests.fakes import Killed, dying
from tests.stage import TEXT, Stage, quiet, service

WEB = service("web.service")


@pytest.fixture
def stage() -> Stage:
    return Stage(machine("m1", disk="ssd"), machine("m2"), machine("m3"))


def test_a_unit_starts_on_one_machine_with_file_record_and_boot_link(stage: Stage) -> None:
    assert quiet(stage.start(WEB))
    assert stage.running() == {"m1": {"web.service"}}
    assert stage.machines["m1"].files == {"web.service": WEB.text.encode()}
    assert stage.machines["m1"].boots == {"web.service"}


def test_the_second_time_nothing_is_done(stage: Stage) -> None:
    stage.start(WEB)
    before = [list(one.done) for one in stage.machines.values()]
    events = len(stage.journal.events)
    assert quiet(stage.start(WEB))
    assert quiet(stage.reconcile())
    assert [one.done for one in stage.machines.values()] == before
    assert len(stage.journal.events) == events


def test_each_stage_alone(stage: Stage) -> None:
    stage.start(WEB, verb="submit")
    assert [one.done for one in stage.machines.values()] == [[], [], []]
    stage.start(WEB, verb="load")
    assert (stage.running(), list(stage.machines["m1"].files)) == ({}, ["web.service"])
    assert stage.machines["m1"].boots == set()
    stage.start(WEB)
    assert stage.running() == {"m1": {"web.service"}}
    stage.change("stop", "web.service")
    assert (stage.running(), list(stage.machines["m1"].files)) == ({}, ["web.service"])
    assert stage.machines["m1"].boots == set()
    stage.change("unload", "web.service")
    assert stage.machines["m1"].files == {}
    assert stage.journal.state.units[WEB.name].target is TargetState.INACTIVE
    stage.change("destroy", "web.service")
    assert stage.journal.state.units == {}


def test_conflicting_units_spread_and_the_one_too_many_is_told_each_reason(stage: Stage) -> None:
    units = [service(f"a{n}.service", "Conflicts=a*.service") for n in (1, 2, 3, 4)]
    result = stage.start(*units)
    assert stage.running() == {"m1": {"a1.service"}, "m2": {"a2.service"}, "m3": {"a3.service"}}
    (refusal,) = result.plan.unplaceable
    assert refusal.unit == "a4.service"
    assert list(refusal.reasons) == ["m1", "m2", "m3"]


def test_intent_and_placement_are_durable_before_any_machine_is_changed(stage: Stage) -> None:
    def check(_machine: str, run: Run | None) -> None:
        if run is None or b"\ninstall\t" in run.data:
            unit = stage.journal.state.units[WEB.name]
            assert (unit.target, unit.placements) == (
                TargetState.LAUNCHED,
                frozenset({machine_id("m1")}),
            )

    stage.transport.hook = check
    stage.start(WEB)
    assert stage.running() == {"m1": {"web.service"}}


def test_a_machine_that_is_away_is_passed_over(stage: Stage) -> None:
    stage.transport.away = {"m1"}
    assert quiet(stage.start(WEB))
    assert stage.running() == {"m2": {"web.service"}}


def test_a_unit_on_a_machine_that_went_away_stays_there(stage: Stage) -> None:
    stage.start(WEB)
    stage.transport.away = {"m1"}
    result = stage.reconcile()
    assert [item.machine for item in result.plan.away] == ["m1"]
    assert stage.running() == {"m1": {"web.service"}}
    assert stage.machines["m2"].done == []


def test_what_may_still_run_out_of_sight_is_not_started_elsewhere(stage: Stage) -> None:
    stage.start(WEB)
    stage.transport.away = {"m1"}
    stage.change("unload", "web.service")
    result = stage.start(WEB)
    assert stage.running() == {"m1": {"web.service"}}
    assert [refusal.unit for refusal in result.plan.unplaceable] == ["web.service"]


def test_destroy_out_of_sight_is_remembered_and_done_when_the_machine_is_back(stage: Stage) -> None:
    stage.start(WEB)
    stage.transport.away = {"m1"}
    assert [item.machine for item in stage.change("destroy", "web.service").plan.away] == ["m1"]
    assert WEB.name in stage.journal.state.units
    stage.transport.away = set()
    assert quiet(stage.reconcile())
    assert (stage.running(), stage.machines["m1"].files) == ({}, {})
    assert stage.journal.state.units == {}


def test_a_fleet_that_is_all_silent_is_left_alone(stage: Stage) -> None:
    stage.transport.away = {"m1", "m2", "m3"}
    with pytest.raises(TryLater, match="none of the 3 machines answers"):
        stage.start(WEB)
    assert stage.journal.state.units == {}


def test_restart_makes_a_new_process_and_only_once(stage: Stage) -> None:
    stage.start(WEB)
    assert quiet(stage.change("restart", "web.service"))
    assert quiet(stage.reconcile())
    assert stage.machines["m1"].started == ["web.service"] * 2


def test_a_restart_asked_of_a_machine_that_then_rebooted_needs_no_other(stage: Stage) -> None:
    stage.start(WEB)

    def cut(_machine: str, run: Run | None) -> None:
        if run and b"\nrestart\t" in run.data:
            stage.transport.away = {"m1"}

    stage.transport.hook = cut
    stage.change("restart", "web.service")
    stage.transport.hook, stage.transport.away = (lambda *_: None), set()
    stage.machines["m1"].power_cycle()
    assert quiet(stage.reconcile())
    assert "restart web.service" not in stage.machines["m1"].done


def test_a_new_text_replaces_the_file_in_place_and_restarts_what_ran(stage: Stage) -> None:
    stage.start(WEB)
    new = service("web.service", text=TEXT + "Nice=5\n")
    assert quiet(stage.start(new))
    assert stage.machines["m1"].files == {"web.service": new.text.encode()}
    assert stage.machines["m1"].started == ["web.service"] * 2


def test_an_edited_file_is_mended_without_a_restart(stage: Stage) -> None:
    stage.start(WEB)
    stage.machines["m1"].files["web.service"] += b"# edited\n"
    assert quiet(stage.reconcile())
    assert stage.machines["m1"].files == {"web.service": WEB.text.encode()}
    assert stage.machines["m1"].started == ["web.service"]


def test_after_a_power_cut_launched_units_are_back_and_nothing_is_to_do(stage: Stage) -> None:
    stage.start(WEB)
    stage.machines["m1"].power_cycle()
    assert quiet(stage.reconcile())
    assert stage.machines["m1"].done == ["install web.service", "start web.service"]


def test_a_unit_that_was_stopped_by_hand_is_started_again(stage: Stage) -> None:
    stage.start(WEB)
    stage.machines["m1"].processes["web.service"].active = "inactive"
    assert quiet(stage.reconcile())
    assert stage.running() == {"m1": {"web.service"}}


def test_a_unit_that_fails_is_a_problem_and_is_not_tried_twice(stage: Stage) -> None:
    stage.machines["m1"].starts_as = {"web.service": "fails"}
    (problem,) = stage.start(WEB).plan.problems
    assert problem.why == "failed: exit-code, status 1"
    assert stage.machines["m1"].started == ["web.service"]
    assert stage.reconcile().plan.problems == (problem,)
    assert stage.machines["m1"].started == ["web.service"]


def test_start_tries_a_failed_unit_again(stage: Stage) -> None:
    stage.machines["m1"].starts_as = {"web.service": "fails"}
    stage.start(WEB)
    stage.machines["m1"].starts_as = {}
    assert quiet(stage.start(WEB))
    assert stage.running() == {"m1": {"web.service"}}


def test_a_refused_start_is_told_in_systemds_words(stage: Stage) -> None:
    stage.machines["m1"].starts_as = {"web.service": "missing"}
    (problem,) = stage.start(WEB).plan.problems
    assert problem.why == "Failed to start web.service: Unit docker.service not found."


def test_a_oneshot_that_succeeded_counts_and_is_not_run_again(stage: Stage) -> None:
    stage.machines["m1"].starts_as = {"web.service": "oneshot"}
    assert quiet(stage.start(WEB))
    assert quiet(stage.reconcile())
    assert stage.machines["m1"].started == ["web.service"]


def test_a_start_that_takes_too_long_ends_at_the_deadline(stage: Stage) -> None:
    stage.machines["m1"].starts_as = {"web.service": "slow"}
    stage.timeout = 0.05
    result = stage.start(WEB)
    assert result.timed_out
    assert [item.why for item in result.plan.waiting] == ["activating (start-pre)"]


def test_a_name_that_is_taken_on_a_machine_is_avoided(stage: Stage) -> None:
    stage.machines["m1"].foreign = {"web.service": "/lib/systemd/system/web.service"}
    assert quiet(stage.start(WEB))
    assert stage.running() == {"m2": {"web.service"}}


def test_a_global_unit_runs_everywhere_and_on_machines_that_come_back(stage: Stage) -> None:
    everywhere = service("agent.service", "Global=true")
    stage.transport.away = {"m3"}
    stage.start(everywhere)
    assert stage.running() == {"m1": {"agent.service"}, "m2": {"agent.service"}}
    stage.transport.away = set()
    assert quiet(stage.reconcile())
    assert set(stage.running()) == {"m1", "m2", "m3"}


def test_a_unit_whose_machine_no_longer_fits_moves_stop_before_start() -> None:
    stage = Stage(machine("m1", disk="hdd"), machine("m2", disk="ssd"))
    pinned = service("db.service", "MachineMetadata=disk=ssd")
    stage.start(pinned)
    stage.fleet = Fleet(
        name="test", machines=(machine("m1", disk="ssd"), machine("m2", disk="hdd"))
    )

    def check(_machine: str, run: Run | None) -> None:
        if run and b"\nstart\t" in run.data:
            assert stage.running() == {}

    stage.transport.hook = check
    assert quiet(stage.reconcile())
    assert stage.running() == {"m1": {"db.service"}}
    assert stage.machines["m2"].files == {}


def test_a_lost_boot_link_is_put_back(stage: Stage) -> None:
    stage.start(WEB)
    stage.machines["m1"].boots.clear()
    assert quiet(stage.reconcile())
    assert stage.machines["m1"].boots == {"web.service"}


def test_two_names_of_one_machine_are_trusted_with_nothing(stage: Stage) -> None:
    stage.machines["m2"].name = "m1"
    assert quiet(stage.start(WEB))
    assert stage.running() == {"m3": {"web.service"}}


def test_a_clone_of_a_machine_that_is_away_is_not_taken_for_it(stage: Stage) -> None:
    stage.start(WEB)
    stage.transport.away = {"m1"}
    stage.machines["m2"].name = "m1"
    result = stage.reconcile()
    assert stage.journal.state.machines[machine_id("m1")].name == "m1"
    assert stage.machines["m2"].done == []
    assert not quiet(result)


def test_a_machine_under_a_new_name_is_the_same_machine(stage: Stage) -> None:
    stage.start(WEB)
    renamed = machine("new")
    stage.fleet = Fleet(name="test", machines=(renamed, *stage.fleet.machines[1:]))
    stage.machines["new"] = stage.machines.pop("m1")
    assert quiet(stage.reconcile())
    assert stage.running() == {"new": {"web.service"}}
    assert stage.machines["new"].started == ["web.service"]


def test_a_machine_that_joins_changes_nothing_on_the_others_of_a_global_unit(stage: Stage) -> None:
    everywhere = service("agent.service", "Global=true")
    stage.transport.away = {"m3"}
    stage.start(everywhere)
    stage.transport.away = set()
    stage.reconcile()
    assert stage.machines["m1"].done == ["install agent.service", "start agent.service"]


def test_where_a_global_unit_is_missing_since_nobody_answers_is_told_until_it_is_there(
    stage: Stage,
) -> None:
    stage.transport.away = {"m3"}
    for result in (stage.start(service("agent.service", "Global=true")), stage.reconcile()):
        (missing,) = result.plan.away
        assert (missing.unit, missing.machine) == ("agent.service", "m3")
    assert quiet(stage.start(WEB)), "it is not about this one"
    stage.journal.append([MachineCordoned(MachineName("m3"))])
    assert quiet(stage.reconcile())
    stage.journal.append([MachineUncordoned(MachineName("m3"))])
    stage.transport.away = set()
    assert quiet(stage.reconcile())
    assert "agent.service" in stage.machines["m3"].running()


@pytest.mark.parametrize("rules", ["MachineMetadata=disk=tape", "Conflicts=web*"])
def test_a_silent_machine_that_would_not_get_the_global_unit_is_not_told(
    stage: Stage, rules: str
) -> None:
    stage.start(WEB)
    (home,) = stage.running()
    stage.transport.away = {home}
    result = stage.start(service("agent.service", f"Global=true\n{rules}"))
    assert "agent.service" not in {one.unit for one in result.plan.away}


def kill_at(stage: Stage, step: int) -> None:
    """Let the controller die at its n-th journey or append, whichever comes first."""
    die = dying(step)
    stage.journal.before = die
    stage.transport.hook = die


@pytest.mark.parametrize("verb", ["start", "stop", "unload", "destroy", "restart"])
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(verb: str) -> None:
    units = [service(f"u{n}.service", "Conflicts=u*.service") for n in (1, 2)]
    for step in range(200):
        stage = Stage(machine("m1"), machine("m2"), machine("m3"))
        if verb != "start":
            stage.start(*units)
        kill_at(stage, step)
        try:
            _again(stage, verb, units)
        except Killed:
            stage.journal.before, stage.transport.hook = (lambda: None), (lambda *_: None)
            assert quiet(stage.reconcile())
        else:
            assert step > 5
            return
        _again(stage, verb, units)
        _as_wanted(stage, verb)
    pytest.fail("it never came to its end")


def _again(stage: Stage, verb: str, units: list[Unit]) -> None:
    if verb == "start":
        stage.start(*units)
    else:
        stage.change(verb, *(unit.name for unit in units if unit.name in stage.journal.state.units))


def _as_wanted(stage: Stage, verb: str) -> None:
    spread = {"m1": {"u1.service"}, "m2": {"u2.service"}}
    assert stage.running() == (spread if verb in ("start", "restart") else {})
    files = [sorted(one.files) for one in stage.machines.values()]
    gone = verb in ("unload", "destroy")
    assert files == ([[], [], []] if gone else [["u1.service"], ["u2.service"], []])
    assert quiet(stage.reconcile())


def test_a_machine_is_found_under_the_new_name_it_has_in_the_inventory(stage: Stage) -> None:
    stage.start(WEB)
    stage.fleet = Fleet(name="test", machines=(machine("db"), machine("m2"), machine("m3")))
    stage.machines["db"] = stage.machines.pop("m1")
    assert quiet(stage.change("stop", "web.service"))
    assert stage.running() == {}


def test_a_machine_that_left_the_inventory_is_told_as_away(stage: Stage) -> None:
    stage.start(WEB)
    stage.fleet = Fleet(name="test", machines=(machine("m2"), machine("m3")))
    (away,) = stage.change("stop", "web.service").plan.away
    assert away.why == "no machine of the inventory answers with this ID"

"""What somebody changed on a machine: mended, or left and told, as the policy has it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sshfleet.model.event import TargetSet, TargetState
from sshfleet.model.machine import DriftPolicy
from tests.builders import machine
from tests.fake_machine import FakeMachine
from tests.fake_process import Process
from tests.stage import Stage, quiet, service

WEB = service("web.service")
NAME = WEB.name
EDITED = b"[Service]\nExecStart=/bin/true\n"
NOTHING: list[str] = []


@pytest.fixture
def stage() -> Stage:
    stage = Stage(machine("m1"))
    stage.start(WEB)
    return stage


def only_told(stage: Stage) -> FakeMachine:
    """Let the inventory say that drift is only told; return the machine, its log empty."""
    stage.fleet = replace(stage.fleet, drift=DriftPolicy.REPORT)
    one = stage.machines["m1"]
    one.done.clear()
    return one


def edit(one: FakeMachine) -> None:
    one.files[NAME] = EDITED


def delete(one: FakeMachine) -> None:
    del one.files[NAME]


def disable(one: FakeMachine) -> None:
    one.boots.clear()


def unlink(one: FakeMachine) -> None:
    one.hidden[NAME] = "none\t-"


def stop(one: FakeMachine) -> None:
    one.processes[NAME] = Process(runs=1)


def add_dropin(one: FakeMachine) -> None:
    one.dropins[NAME] = {"10-x.conf": b"[Service]\nNice=1\n"}


CHANGES = [
    (edit, "its file was edited there (the journal has "),
    (add_dropin, "its drop-ins were edited there (the journal has "),
    (delete, "its file was deleted there"),
    (disable, "its start at boot was undone there"),
    (unlink, "its link in systemd's folder was removed there"),
    (stop, "it was stopped there, or ended by itself"),
]


@pytest.mark.parametrize("change", [change for change, _ in CHANGES])
def test_what_was_changed_is_mended(stage: Stage, change: Callable[[FakeMachine], None]) -> None:
    one = stage.machines["m1"]
    change(one)
    before = one.done.copy()
    result = stage.reconcile()
    one.hidden.clear()

    assert one.done != before
    assert not stage.reconcile().plan.actions
    assert (one.files, one.running()) == ({NAME: WEB.text.encode()}, {NAME})
    assert NAME in one.boots
    assert result.plan.left == ()


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_under_report_what_was_changed_is_left_and_told(
    stage: Stage, change: Callable[[FakeMachine], None], words: str
) -> None:
    one = only_told(stage)
    change(one)
    there = (one.files.copy(), one.boots.copy(), one.running())

    for _ in range(2):
        (problem,) = stage.reconcile().plan.problems
        assert problem.why.startswith(words)
        assert problem.why.endswith(", and left so: drift: report")
        assert "sshfleet start web.service makes it as the journal says" in problem.hint

    assert one.done == NOTHING
    assert (one.files, one.boots, one.running()) == there


@pytest.mark.parametrize("change", [change for change, _ in CHANGES])
def test_under_report_a_unit_that_the_user_names_is_mended(
    stage: Stage, change: Callable[[FakeMachine], None]
) -> None:
    one = only_told(stage)
    change(one)
    stage.change("start", NAME)
    one.hidden.clear()

    assert quiet(stage.reconcile())
    assert (one.files, one.running()) == ({NAME: WEB.text.encode()}, {NAME})


def test_what_the_unit_says_of_drift_counts_before_what_the_inventory_says() -> None:
    stage = Stage(machine("m1"))
    stage.start(service("a.service", "Drift=report"), service("b.service", "Drift=enforce"))
    for policy in DriftPolicy:
        stage.fleet = replace(stage.fleet, drift=policy)
        stage.machines["m1"].files |= {"a.service": EDITED, "b.service": EDITED}
        (problem,) = stage.reconcile().plan.problems
        assert problem.unit == "a.service"
        assert problem.why.endswith(", and left so: Drift=report")
        assert stage.machines["m1"].files["b.service"] != EDITED


def test_under_report_a_new_wish_is_carried_out_whatever_was_changed(stage: Stage) -> None:
    for verb, running in (("stop", set[str]()), ("start", {NAME}), ("destroy", set())):
        one = only_told(stage)
        edit(one)
        stage.change(verb, NAME)
        assert one.running() == running
    assert one.files == {}

    stage.start(WEB)
    edit(one)
    stage.start(service(NAME, text="[Service]\nExecStart=/bin/new\n"), verb="submit")
    assert quiet(stage.reconcile())
    assert one.files[NAME] == b"[Service]\nExecStart=/bin/new\n"


def test_under_report_reconcile_finishes_what_was_asked_for_whatever_was_changed(
    stage: Stage,
) -> None:
    one = only_told(stage)
    for target, running in ((TargetState.LOADED, set[str]()), (TargetState.LAUNCHED, {NAME})):
        edit(one)
        stage.journal.append([TargetSet(NAME, target)])
        assert quiet(stage.reconcile())
        assert (one.files[NAME], one.running()) == (WEB.text.encode(), running)


def test_under_report_a_reboot_is_no_drift(stage: Stage) -> None:
    one = only_told(stage)
    one.boots.clear()
    one.power_cycle()
    one.boots.add(NAME)
    assert one.running() == set()

    assert quiet(stage.reconcile())
    assert one.running() == {NAME}


def test_under_report_what_a_killed_run_left_is_finished(stage: Stage) -> None:
    one = only_told(stage)
    del one.records[NAME]
    one.boots.clear()

    assert quiet(stage.reconcile())
    assert one.done == [f"install {NAME}"]


def test_a_plan_shows_what_is_left(stage: Stage) -> None:
    edit(only_told(stage))
    plan = stage.reconcile().plan
    assert [(action.unit, action.reason) for action in plan.left] == [
        (NAME, "its file was edited there")
    ]
    assert plan.actions == ()


HIDDEN = [
    (
        "mask\t/etc/systemd/system/web.service",
        "it is masked there by /etc/systemd/system/web.service",
        "systemctl unmask web.service",
    ),
    (
        "mask\t/run/systemd/system/web.service",
        "it is masked there by /run/systemd/system/web.service",
        "systemctl unmask --runtime web.service",
    ),
    (
        "mask\t/etc/systemd/system.control/web.service",
        "it is masked there by /etc/systemd/system.control/web.service",
        "rm /etc/systemd/system.control/web.service",
    ),
    (
        "file\t/run/systemd/transient/web.service",
        "/run/systemd/transient/web.service hides its file there",
        "rm /run/systemd/transient/web.service; systemctl daemon-reload",
    ),
]


@pytest.mark.parametrize(("line", "words", "undo"), HIDDEN)
def test_what_others_put_in_the_way_is_told_and_never_undone(
    stage: Stage, line: str, words: str, undo: str
) -> None:
    one = stage.machines["m1"]
    stop(one)
    one.hidden[NAME] = line
    one.done.clear()

    for result in (stage.reconcile(), stage.change("start", NAME), stage.change("restart", NAME)):
        (problem,) = result.plan.problems
        assert problem.why == words
        assert problem.hint.endswith(f"sshfleet ssh m1, as root: {undo}")
    assert one.done == NOTHING

    one.hidden.clear()
    assert quiet(stage.reconcile())
    assert one.running() == {NAME}


def test_a_masked_unit_can_be_stopped_and_destroyed(stage: Stage) -> None:
    one = stage.machines["m1"]
    one.hidden[NAME] = "mask\t/etc/systemd/system/web.service"
    stage.change("stop", NAME)
    assert one.running() == set()
    stage.change("destroy", NAME)
    assert one.files == {}


def test_what_systemd_starts_again_and_again_is_left_to_it(stage: Stage) -> None:
    one = stage.machines["m1"]
    down = Process("activating", "auto-restart", "exit-code", runs=9, restarts=12)
    queued = replace(down, sub="auto-restart-queued")
    just_up = replace(down, active="active", sub="running", fresh=True)
    for seen in (down, queued, just_up):
        one.processes[NAME] = seen
        one.done.clear()
        (problem,) = stage.reconcile().plan.problems
        assert problem.why == "flapping: restarted 12 times, last exit-code, status 0"
        assert one.done == NOTHING

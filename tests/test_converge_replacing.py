"""A new text takes the place of an old one: on its machine, with one restart, whatever dies."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from sshfleet.model.step import Run
from sshfleet.model.unit import Unit
from sshfleet.unitfile.read import read_text
from tests.builders import machine, machine_id
from tests.fake_machine import FakeMachine
from tests.fakes import Killed
from tests.stage import TEXT, Stage, quiet, service

WEB = service("web.service")
OTHER = service("web.service", text=TEXT + "Nice=1\n")
DROPPED_IN = read_text(WEB.name, WEB.text, {"10-nice.conf": "[Service]\nNice=1\n"})
STEPS = 14  # more than there are in a start with a new text


@pytest.fixture
def stage() -> Stage:
    return Stage(machine("m1", disk="ssd"), machine("m2", disk="hdd"))


def m1(stage: Stage) -> FakeMachine:
    return stage.machines["m1"]


def runs(stage: Stage) -> str:
    return m1(stage).processes["web.service"].content


def counted(stage: Stage, deadly: int) -> list[int]:
    """Let the deadly step from now on be the last; the list counts them."""
    steps = [0]

    def step(*_: object) -> None:
        steps[0] += 1
        if steps[0] == deadly:
            raise Killed

    hook: Callable[[], None] = step
    stage.journal.before = hook
    stage.transport.hook = step
    for one in stage.machines.values():
        one.hook = hook
    return steps


@pytest.mark.parametrize("new", [OTHER, DROPPED_IN], ids=["text", "drop-in"])
def test_a_new_text_means_one_restart_on_the_same_machine(stage: Stage, new: Unit) -> None:
    stage.start(WEB)
    result = stage.start(new)
    assert quiet(result)
    assert m1(stage).done[-2:] == ["install web.service", "restart web.service"]
    assert (m1(stage).started, runs(stage)) == (["web.service"] * 2, new.content)
    assert [one.action.reason for one in result.ended] == ["has a new text", "runs its old text"]


@pytest.mark.parametrize("new", [OTHER, DROPPED_IN], ids=["text", "drop-in"])
@pytest.mark.parametrize("deadly", range(1, STEPS))
def test_it_is_restarted_once_wherever_the_run_is_killed(
    stage: Stage, new: Unit, deadly: int
) -> None:
    stage.start(WEB)
    steps = counted(stage, deadly)
    with suppress(Killed):
        stage.start(new)
    counted(stage, 0)
    stage.reconcile()

    wanted = stage.journal.state.units[WEB.name].content
    assert (runs(stage), m1(stage).content("web.service")) == (wanted, wanted)
    assert m1(stage).started == ["web.service"] * (2 if wanted == new.content else 1)
    assert quiet(stage.reconcile())
    assert steps[0] < STEPS


def test_a_text_that_comes_back_before_it_was_replaced_restarts_nothing(stage: Stage) -> None:
    stage.start(WEB)
    stage.transport.away = {"m1"}
    stage.start(OTHER)
    stage.start(WEB)
    stage.transport.away = set()
    assert quiet(stage.reconcile())
    assert m1(stage).started == ["web.service"]


def test_a_machine_that_was_away_restarts_it_when_it_is_back(stage: Stage) -> None:
    stage.start(WEB)
    stage.transport.away = {"m1"}
    assert [away.machine for away in stage.start(DROPPED_IN).plan.away] == ["m1"]
    stage.transport.away = set()
    result = stage.reconcile()
    assert [one.action.reason for one in result.ended] == ["has a new text", "runs its old text"]
    assert (m1(stage).started, runs(stage)) == (["web.service"] * 2, DROPPED_IN.content)
    assert quiet(stage.reconcile())


def test_a_machine_that_was_rebooted_meanwhile_restarts_what_booted_with_the_old_text(
    stage: Stage,
) -> None:
    stage.start(WEB)
    stage.transport.away = {"m1"}
    stage.start(OTHER)
    m1(stage).power_cycle()
    stage.transport.away = set()
    stage.reconcile()
    assert (m1(stage).started, runs(stage)) == (["web.service"] * 3, OTHER.content)


def test_a_restart_that_was_planned_before_a_reboot_is_not_repeated_after_it(stage: Stage) -> None:
    stage.start(WEB)

    def reboot_once(_machine: str, run: Run | None) -> None:
        if run and b"\nrestart\t" in run.data and not m1(stage).reboots:
            m1(stage).power_cycle()

    stage.transport.hook = reboot_once
    assert quiet(stage.change("restart", "web.service"))
    assert (m1(stage).reboots, m1(stage).started) == (1, ["web.service"] * 2)
    assert quiet(stage.reconcile())


def test_what_is_only_loaded_is_not_started(stage: Stage) -> None:
    stage.start(WEB, verb="load")
    assert quiet(stage.start(OTHER, verb="load"))
    assert m1(stage).started == []
    assert "was" not in json.loads(m1(stage).records["web.service"])


def test_what_failed_with_its_old_text_is_tried_with_the_new_one(stage: Stage) -> None:
    m1(stage).starts_as["web.service"] = "fails"
    stage.start(WEB)
    stage.transport.away = {"m1"}
    stage.start(OTHER)
    stage.transport.away, m1(stage).starts_as = set(), {}
    result = stage.reconcile()
    assert [one.action.reason for one in result.ended] == [
        "has a new text",
        "has not run its new text",
    ]
    assert quiet(stage.reconcile())
    assert m1(stage).started == ["web.service"] * 2


def test_what_fails_with_its_new_text_too_is_told_and_not_tried_for_ever(stage: Stage) -> None:
    m1(stage).starts_as["web.service"] = "fails"
    stage.start(WEB)
    stage.start(OTHER)
    started = len(m1(stage).started)
    (problem,) = stage.reconcile().plan.problems
    assert problem.why.startswith("failed: ")
    assert len(m1(stage).started) == started


def test_a_oneshot_runs_once_with_its_new_text(stage: Stage) -> None:
    m1(stage).starts_as["web.service"] = "oneshot"
    stage.start(WEB)
    assert quiet(stage.start(OTHER))
    assert m1(stage).started == ["web.service"] * 2
    assert quiet(stage.reconcile())
    assert m1(stage).started == ["web.service"] * 2


@pytest.mark.parametrize("hand", ["deleted", "edited", "added"])
def test_drop_ins_that_other_hands_changed_are_mended_without_a_restart(
    stage: Stage, hand: str
) -> None:
    stage.start(DROPPED_IN)
    dropins = m1(stage).dropins["web.service"]
    changed = {
        "deleted": {},
        "edited": {"10-nice.conf": b"[Service]\nNice=9\n"},
        "added": {**dropins, "99-x.conf": b""},
    }
    m1(stage).dropins["web.service"] = changed[hand]
    result = stage.reconcile()
    assert [one.action.reason for one in result.ended] == ["its drop-ins were changed there"]
    assert m1(stage).dropins["web.service"] == dropins
    assert m1(stage).started == ["web.service"]
    assert quiet(stage.reconcile())


def test_drop_ins_come_change_and_go_with_their_unit(stage: Stage) -> None:
    stage.start(DROPPED_IN)
    assert m1(stage).dropins["web.service"] == {"10-nice.conf": b"[Service]\nNice=1\n"}
    stage.start(WEB)
    assert m1(stage).dropins["web.service"] == {}
    stage.start(DROPPED_IN)
    stage.change("destroy", "web.service")
    assert (m1(stage).files, m1(stage).dropins) == ({}, {})


def test_a_new_text_that_may_not_stay_moves_with_the_reason(stage: Stage) -> None:
    stage.start(WEB)
    stays = service("web.service", "MachineMetadata=disk=ssd")
    assert quiet(stage.start(stays))
    assert stage.running() == {"m1": {"web.service"}}

    result = stage.start(service("web.service", "MachineMetadata=disk=hdd"))

    assert stage.running() == {"m2": {"web.service"}}
    assert [one.action.verb.name for one in result.ended] == ["REMOVE", "INSTALL", "START"]
    unit = stage.journal.state.units[WEB.name]
    assert unit.placements == unit.holders == {machine_id("m2")}
    unplaced = [event for event in stage.journal.events if type(event).__name__ == "UnitUnplaced"]
    assert "disk" in unplaced[-1].reason  # type: ignore[union-attr]


def test_a_record_of_an_older_sshfleet_does_for_what_did_not_change(stage: Stage) -> None:
    stage.start(WEB)
    assert "was" not in json.loads(m1(stage).records["web.service"])
    assert quiet(stage.reconcile())
    stage.start(OTHER)
    assert json.loads(m1(stage).records["web.service"])["was"].endswith("1")

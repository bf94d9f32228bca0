"""What is remembered of each action: what came of it, from what to what, how long it took."""

import time

import pytest

from sshfleet.model.event import ActionEnded
from sshfleet.model.step import Run
from tests.builders import machine
from tests.stage import Stage, service

WEB = service("web.service")


@pytest.fixture
def stage() -> Stage:
    return Stage(machine("m1"))


def ended(stage: Stage) -> list[tuple[str, str, str, str]]:
    """Return what the journal has on actions: verb, state before and after, result."""
    events = [event for event in stage.journal.events if isinstance(event, ActionEnded)]
    return [(one.verb, one.was, one.became, one.result) for one in events]


def test_the_state_before_and_after_is_remembered(stage: Stage) -> None:
    stage.start(WEB)
    stage.change("unload", "web.service")
    assert ended(stage) == [
        ("install", "", "", "done"),
        ("start", "inactive", "active", "done"),
        ("remove", "active", "inactive", "done"),
    ]


def test_a_start_after_which_the_unit_has_failed_has_failed(stage: Stage) -> None:
    stage.machines["m1"].starts_as["web.service"] = "fails"
    stage.start(WEB)
    assert ended(stage)[-1] == ("start", "inactive", "failed", "failed")


def test_a_oneshot_that_has_ended_well_was_started(stage: Stage) -> None:
    stage.machines["m1"].starts_as["web.service"] = "oneshot"
    stage.start(WEB)
    assert ended(stage)[-1] == ("start", "inactive", "inactive", "done")


def test_of_a_machine_that_went_away_nobody_knows(stage: Stage) -> None:
    stage.start(WEB)

    def cut(_machine: str, run: Run | None) -> None:
        if run is not None and b"restart\t" in run.data:
            stage.transport.away.add("m1")

    stage.transport.hook = cut
    stage.change("restart", "web.service")
    assert ended(stage)[-1] == ("restart", "active", "", "unknown")


def test_the_time_an_action_took_is_measured(stage: Stage) -> None:
    def dawdle(_machine: str, _run: Run | None) -> None:
        time.sleep(0.02)  # what is measured, not a wait for anything

    stage.transport.hook = dawdle
    stage.start(WEB)
    times = [event.ms for event in stage.journal.events if isinstance(event, ActionEnded)]
    assert len(times) == 2
    assert min(times) >= 40, "the upload and the transaction"

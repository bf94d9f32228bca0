"""A dry run writes nothing, sends nothing but probes, and plans what the real run then begins with.

Random situations come from random histories of verbs, outages and deaths on three fake machines.
"""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshfleet.command import Result
from sshfleet.errors import TryLater
from sshfleet.memory import Rehearsal
from sshfleet.model.action import Plan
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TextStored
from sshfleet.model.step import Run
from sshfleet.systemd.sh import LOOK_SCRIPT
from tests.builders import machine
from tests.fakes import Killed
from tests.stage import TEXT, Stage, service
from tests.test_converge_histories import DEATHS, NAMES, STEPS, UNITS, mortal, take

pytestmark = pytest.mark.timeout(600)

Step = tuple[str, str, int]
VERBS = st.sampled_from(["start", "load", "submit", "stop", "unload", "destroy", "restart"])


@pytest.fixture
def stage() -> Stage:
    return fresh_stage()


def fresh_stage() -> Stage:
    return Stage(machine("m1", disk="ssd"), machine("m2", disk="hdd"), machine("m3", disk="hdd"))


def only_looks(_machine: str, run: Run | None) -> None:
    assert run is not None, "a file was uploaded"
    assert run.script == LOOK_SCRIPT
    assert not run.root


def rehearsed(stage: Stage, step: Step) -> Rehearsal:
    """Take one step as a dry run, which may only look."""
    stage.memory = rehearsal = Rehearsal(stage.journal.state)
    stage.transport.hook = only_looks
    stage.told.clear()
    try:
        with suppress(TryLater):
            take(stage, *step)
    finally:
        stage.memory = stage.journal
        stage.transport.hook = lambda _machine, _run: None
    return rehearsal


def everything(stage: Stage) -> str:
    """Return all that is on the machines and in the journal."""
    return repr((list(stage.machines.values()), stage.journal.events))


def first_plan(stage: Stage, step: Step) -> Plan | None:
    """Take one step for real; return what its first turn planned."""
    stage.told.clear()
    with suppress(TryLater):
        take(stage, *step)
    return stage.told[0] if stage.told else None


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(STEPS, DEATHS), max_size=8),
    st.one_of(st.tuples(VERBS, NAMES, st.integers(0, 3)), st.just(("reconcile", "", 0))),
)
def test_a_dry_run_changes_nothing_and_plans_what_the_real_run_does_first(
    history: list[tuple[Step, int | None]], step: Step
) -> None:
    stage = fresh_stage()
    for taken, death in history:
        mortal(stage, death)
        with suppress(Killed, TryLater):
            take(stage, *taken)
    mortal(stage, None)
    before = everything(stage)

    rehearsed(stage, step)
    planned = list(stage.told)

    assert everything(stage) == before
    assert len(planned) <= 1
    assert first_plan(stage, step) == (planned[0] if planned else None)


def test_a_dry_run_folds_what_the_real_run_journals(stage: Stage) -> None:
    web = UNITS["a1.service"][0]

    rehearsal = rehearsed(stage, ("start", "a1.service", 0))
    unit = rehearsal.state.units[web.name]
    assert stage.journal.state.units == {}

    stage.start(web)
    assert stage.journal.state.units[web.name] == unit


def test_a_run_without_a_durable_memory_never_acts(stage: Stage) -> None:
    stage.start(service("a.service"))
    stage.memory = Rehearsal(stage.journal.state)
    stage.transport.hook = only_looks

    result: Result = stage.start(service("a.service", text=TEXT + "# new\n"))

    assert [action.verb.name for action in result.plan.actions] == ["INSTALL", "RESTART"]
    assert not result.timed_out
    assert stage.machines["m1"].files["a.service"] == TEXT.encode()


def test_without_a_journal_a_lineage_is_made_up_as_the_first_append_would() -> None:
    rehearsal = Rehearsal(DesiredState())
    rehearsal.append([])
    assert rehearsal.state == DesiredState()
    rehearsal.append([TextStored("0", TEXT)])
    assert rehearsal.state.lineage
    assert rehearsal.state.texts == {"0": TEXT}

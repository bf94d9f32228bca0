"""What drifted, in a word each."""

from dataclasses import replace

import pytest

from sshfleet.model.desired import DesiredUnit
from sshfleet.model.drift import drift_of
from sshfleet.model.event import TargetState
from sshfleet.model.observed import Record, UnitState
from sshfleet.model.unit import UnitName

NAME = UnitName("web.service")
SUM = "a" * 64
WANTED = DesiredUnit(name=NAME, sha256=SUM, target=TargetState.LAUNCHED)
LOADED = replace(WANTED, target=TargetState.LOADED)
RECORD = Record(lineage="l", generation=1, sha256=SUM, target="launched")
GOOD = UnitState(
    name=NAME,
    load="loaded",
    active="active",
    sub="running",
    invocation="i",
    sha256=SUM,
    record=RECORD,
    boot=True,
)
AT_REST = replace(GOOD, active="inactive", sub="dead", kind="simple")
AS_LOADED = replace(AT_REST, record=replace(RECORD, target="loaded"), boot=False)


def test_what_is_as_it_was_put_there_has_not_drifted() -> None:
    assert drift_of(GOOD, WANTED) == ()
    assert drift_of(AS_LOADED, LOADED) == ()
    assert drift_of(replace(GOOD, runtime=True, boot=False), WANTED) == ()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (replace(GOOD, shadow="/x", masked=True), "masked"),
        (replace(GOOD, shadow="/x"), "shadowed"),
        (replace(GOOD, sha256=""), "deleted"),
        (replace(GOOD, sha256="b" * 64), "edited"),
        (replace(GOOD, dropins={"x.conf": SUM}), "edited"),
        (replace(GOOD, unlinked=True), "unlinked"),
        (replace(GOOD, boot=False), "disabled"),
        (AT_REST, "stopped"),
        (replace(GOOD, sub="auto-restart", restarts=3), "flapping"),
        (replace(GOOD, fresh=True, restarts=3), "flapping"),
        (replace(GOOD, record=replace(RECORD, was="i")), "old-text"),
        (replace(GOOD, strays=("/run/x.conf",)), "drop-in"),
        (replace(AT_REST, sha256="b" * 64, boot=False), "edited,disabled,stopped"),
    ],
)
def test_each_kind_of_drift_has_a_word(state: UnitState, words: str) -> None:
    assert ",".join(drift_of(state, WANTED)) == words


def test_a_loaded_unit_may_have_been_started_or_enabled() -> None:
    assert drift_of(replace(AS_LOADED, active="active"), LOADED) == ("started",)
    assert drift_of(replace(AS_LOADED, boot=True), LOADED) == ("enabled",)


@pytest.mark.parametrize(
    "state",
    [
        replace(AT_REST, invocation=""),  # the machine was booted
        replace(AT_REST, kind="oneshot"),
        replace(AT_REST, active="failed"),
        replace(AT_REST, job="1"),
        replace(AT_REST, record=replace(RECORD, target="loaded"), boot=False),  # yet to be launched
    ],
)
def test_what_does_not_run_was_not_always_stopped(state: UnitState) -> None:
    assert drift_of(state, WANTED) == ()


def test_what_a_killed_run_left_is_no_drift() -> None:
    assert drift_of(replace(GOOD, record=None, sha256="b" * 64, boot=False), WANTED) == ()


def test_what_is_not_meant_to_be_there_was_not_stopped() -> None:
    assert drift_of(AT_REST, None) == ()

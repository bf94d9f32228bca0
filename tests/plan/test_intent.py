"""Verbs become events; what makes no sense is refused before it is written."""

from dataclasses import replace

import pytest

from sshfleet.errors import ExitCode
from sshfleet.model.desired import fold
from sshfleet.model.event import (
    MachineCordoned,
    MachineUncordoned,
    RestartAsked,
    TargetSet,
    TargetState,
    TextStored,
    UnitSubmitted,
)
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from sshfleet.plan.intent import cordoned, registered_and_targeted, restarted, submitted, targeted
from tests.builders import machine, machine_id, reached, sha256, silent, state, unit, world

WEB = unit("web.service")
NAME = WEB.name


def test_a_new_unit_is_stored_and_registered() -> None:
    assert submitted(world(), [WEB]) == (
        TextStored(WEB.sha256, WEB.text),
        UnitSubmitted(NAME, WEB.sha256),
    )


def test_one_text_of_many_instances_is_stored_once() -> None:
    same = "[Service]\nExecStart=/bin/true\n"
    events = submitted(world(), [unit("a@1.service", text=same), unit("a@2.service", text=same)])
    assert [type(event) for event in events] == [TextStored, UnitSubmitted, UnitSubmitted]


def test_the_same_text_again_changes_nothing() -> None:
    assert submitted(world(units=[WEB]), [WEB]) == ()


def test_a_new_text_is_told_once_and_what_runs_the_old_one_is_left_to_reconcile() -> None:
    here = world(
        machine("m1"),
        units=[WEB],
        placed={NAME: "m1"},
        reports={"m1": reached("m1", state(WEB, invocation="a1"))},
    )
    new = unit(NAME, text="[Service]\nExecStart=/bin/new\n")
    assert submitted(here, [new]) == (
        TextStored(new.sha256, new.text),
        UnitSubmitted(NAME, sha256(new.text)),
    )


def test_drop_ins_are_stored_with_their_unit_each_text_once() -> None:
    conf = "[Service]\nNice=1\n"
    new = replace(WEB, dropins={"a.conf": conf, "b.conf": conf})
    sums = {"a.conf": sha256(conf), "b.conf": sha256(conf)}
    here = world(machine("m1"), units=[WEB])
    asked = submitted(here, [new])
    assert asked == (TextStored(sha256(conf), conf), UnitSubmitted(NAME, WEB.sha256, sums))
    then = replace(here, desired=fold(here.desired, asked))
    assert submitted(then, [new]) == ()
    assert submitted(then, [WEB]) == (UnitSubmitted(NAME, WEB.sha256),)


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("load", "inactive", "loaded"),
        ("load", "launched", "loaded"),
        ("load", "loaded", None),
        ("start", "inactive", "launched"),
        ("start", "loaded", "launched"),
        ("start", "launched", None),
        ("stop", "launched", "loaded"),
        ("stop", "loaded", None),
        ("unload", "launched", "inactive"),
        ("unload", "inactive", None),
        ("destroy", "inactive", "absent"),
        ("destroy", "launched", "absent"),
    ],
)
def test_each_verb_sets_its_target(verb: str, before: str, after: str | None) -> None:
    here = world(units=[WEB], targets={NAME: TargetState(before)})
    expected = (TargetSet(NAME, TargetState(after)),) if after else ()
    assert targeted(verb, [NAME], here).events == expected


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_what_is_on_no_machine_cannot_be_stopped_or_restarted(verb: str) -> None:
    here = world(units=[WEB], targets={NAME: TargetState.INACTIVE})
    intent = restarted([NAME], here) if verb == "restart" else targeted(verb, [NAME], here)
    ((name, error),) = intent.refused
    assert (name, intent.events) == (NAME, ())
    assert error.message == f"Unable to {verb} unit {NAME} in state inactive"
    assert error.exit_code == ExitCode.NOT_SO


def test_one_refused_unit_does_not_hold_up_the_others() -> None:
    other = unit("db.service")
    here = world(units=[WEB, other], targets={NAME: TargetState.INACTIVE})
    intent = targeted("stop", [NAME, other.name], here)
    assert intent.events == (TargetSet(other.name, TargetState.LOADED),)
    assert [name for name, _ in intent.refused] == [NAME]


@pytest.mark.parametrize("verb", ["load", "start"])
def test_a_template_cannot_be_placed(verb: str) -> None:
    template = unit("web@.service")
    intent = registered_and_targeted(world(), [template], verb, [template.name])
    ((_, error),) = intent.refused
    assert "template" in error.message
    assert error.hint.endswith("web@1.service")
    assert error.exit_code == ExitCode.USAGE


def test_start_of_a_new_unit_registers_it_first() -> None:
    intent = registered_and_targeted(world(), [WEB], "start", [NAME])
    assert intent.events[-1] == TargetSet(NAME, TargetState.LAUNCHED)
    assert isinstance(intent.events[0], TextStored)


def test_restart_of_a_loaded_unit_starts_it() -> None:
    here = world(units=[WEB], targets={NAME: TargetState.LOADED})
    assert restarted([NAME], here).events == (TargetSet(NAME, TargetState.LAUNCHED),)


def test_restart_remembers_the_invocation_on_every_machine() -> None:
    here = world(
        machine("m1"),
        machine("m2"),
        units=[WEB],
        placed={NAME: ["m1", "m2"]},
        reports={
            "m1": reached("m1", state(WEB, invocation="a1")),
            "m2": reached("m2", state(WEB, invocation="b2")),
        },
    )
    expected = RestartAsked(NAME, {machine_id("m1"): "a1", machine_id("m2"): "b2"})
    assert restarted([NAME], here).events == (expected,)


def test_a_restart_of_what_never_ran_is_left_to_the_start() -> None:
    here = world(machine("m1"), units=[WEB], placed={NAME: "m1"})
    assert restarted([UnitName(NAME)], here).events == ()


def test_a_machine_is_cordoned_once_and_uncordoned_once() -> None:
    here = world(machine("m1"), machine("m2"))
    m1, m2 = MachineName("m1"), MachineName("m2")
    intent = cordoned([m2, m1, m2], here, on=True)
    assert intent.events == (MachineCordoned(m2), MachineCordoned(m1))
    then = replace(here, desired=fold(here.desired, intent.events))
    assert then.desired.cordoned == {m1, m2}
    assert cordoned([m1], then, on=True).events == ()
    assert cordoned([m1], here, on=False).events == ()
    freed = cordoned([m1], then, on=False).events
    assert freed == (MachineUncordoned(m1),)
    assert fold(then.desired, freed).cordoned == {m2}


def test_a_restart_where_nobody_answers_cannot_be_remembered() -> None:
    here = world(
        machine("m1"),
        machine("m2"),
        units=[WEB, unit("all.service", is_global=True)],
        placed={NAME: "m2", "all.service": ["m1", "m2"]},
        reports={
            "m1": reached("m1", state("all.service", invocation="a1", sha256="x")),
            "m2": silent(),
        },
    )
    both = [NAME, UnitName("all.service")]
    intent = restarted(both, here)
    assert intent.unheard == set(both)
    assert intent.events == (RestartAsked(UnitName("all.service"), {machine_id("m1"): "a1"}),)

"""fleet's table of --replace: which texts are registered, and what is said of the others."""

import pytest

from sshfleet.cli.context import Context
from sshfleet.cli.lookup import Found
from sshfleet.cli.replacing import chosen, may_move, tell_unchanged
from sshfleet.cli.settings import Settings
from sshfleet.errors import SshfleetError
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event, TargetSet, TargetState, TextStored, UnitSubmitted
from sshfleet.model.unit import Unit, UnitName
from sshfleet.unitfile.read import read_text
from tests.builders import desired

TEXT = "[Service]\nExecStart=/bin/sleep infinity\n"
NEW = TEXT + "Nice=1\n"
CONTEXT = Context(Settings())


def web(text: str = TEXT, name: str = "web.service", **dropins: str) -> Unit:
    return read_text(UnitName(name), text, {f"{file}.conf": each for file, each in dropins.items()})


def known(*units: Unit, target: TargetState = TargetState.INACTIVE) -> DesiredState:
    events: list[Event] = []
    for unit in units:
        events.append(TextStored(unit.sha256, unit.text))
        events += [TextStored(unit.sums[name], text) for name, text in unit.dropins.items()]
        events += [
            UnitSubmitted(unit.name, unit.sha256, unit.sums),
            TargetSet(unit.name, target),
        ]
    return fold(DesiredState(), events)


def found(unit: Unit, path: str = "web.service") -> Found:
    return Found(unit.name, known=True, fresh=unit, path=path)


@pytest.mark.parametrize(
    ("verb", "allowed"),
    [
        ("submit", ["inactive"]),
        ("load", ["inactive", "loaded"]),
        ("start", ["inactive", "loaded", "launched"]),
    ],
)
def test_a_verb_replaces_what_is_no_further_than_it_leads(
    verb: str, allowed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for target in ("inactive", "loaded", "launched"):
        state = known(web(), target=TargetState(target))
        fresh = chosen(CONTEXT, verb, [found(web(NEW))], state, replace=True)
        said = capsys.readouterr()
        assert (fresh == [web(NEW)]) == (target in allowed)
        assert said.out == ""
        assert said.err == (
            ""
            if target in allowed
            else f"Warning: can not replace Unit(web.service) in state '{target}', "
            "use the appropriate command\n"
        )


@pytest.mark.parametrize("state", ["inactive", "launched"])
def test_the_same_text_is_told_whatever_the_state(
    state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here = known(web(a=NEW), target=TargetState(state))
    assert chosen(CONTEXT, "submit", [found(web(a=NEW))], here, replace=True) == []
    assert capsys.readouterr().out == "Found same Unit(web.service) in Registry, nothing to do\n"


@pytest.mark.parametrize("new", [web(), web(a="[Unit]\n"), web(a=NEW, b=NEW), web(b=NEW)])
def test_drop_ins_that_came_changed_or_went_make_another_text(
    new: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    here = known(web(a=NEW))
    assert chosen(CONTEXT, "start", [found(new)], here, replace=True) == [new]
    assert chosen(CONTEXT, "start", [found(new)], here, replace=False) == []
    assert "differs from the local unit file web.service. Add --rep" in capsys.readouterr().err


def test_a_text_that_comes_from_a_template_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    here, new = known(web(name="web@1.service")), web(NEW, name="web@1.service")
    assert chosen(CONTEXT, "start", [found(new, "x/web@.service")], here, replace=False) == []
    said = capsys.readouterr().err
    assert "differs from the local template unit file x/web@.service. Add --replace" in said


def test_without_any_file_there_is_nothing_to_replace_with() -> None:
    nothing = Found(UnitName("web.service"), known=True, fresh=None, path="")
    assert chosen(CONTEXT, "start", [nothing], known(web()), replace=False) == []
    with pytest.raises(SshfleetError, match=r"no file to replace web\.service with"):
        chosen(CONTEXT, "start", [nothing], known(web()), replace=True)


def test_instances_that_keep_their_text_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["web@.service", "web@1.service", "web@2.service", "db@1.service"]
    here = known(*(web(name=name) for name in names), web(NEW, name="web@3.service"))
    tell_unchanged(CONTEXT, [web(NEW, name="web@.service")], here)
    assert capsys.readouterr().err == (
        "web@.service: 2 instances keep their text; give them the new one with --instances\n"
    )
    tell_unchanged(CONTEXT, [web(NEW, name=name) for name in names[:2]], here)
    assert capsys.readouterr().err.startswith("web@.service: 1 instance keeps its text")
    tell_unchanged(CONTEXT, [web(NEW, name=name) for name in names[:3]], here)
    assert capsys.readouterr().err == ""


def test_only_other_rules_of_a_placed_unit_may_move_it() -> None:
    placed = desired([web()], placed={"web.service": "m1"})
    rules = web(TEXT + "[X-Fleet]\nMachineMetadata=disk=ssd\n")
    assert not may_move([web(NEW)], placed)
    assert may_move([rules], placed)
    assert may_move([web(x="[X-Fleet]\nGlobal=true\n")], placed)
    assert not may_move([rules], known(web()))
    assert not may_move([rules], DesiredState())

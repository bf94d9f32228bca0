"""A word of [X-Fleet] that we do not know is an error that says what it may mean."""

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName
from sshfleet.unitfile.syntax import parse
from sshfleet.unitfile.xfleet import requirements
from tests.unitfile.rules import refused


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("MachineId", "did you mean MachineID?"),
        ("global", "did you mean Global?"),
        ("X-Global", "did you mean Global?"),
        ("X-ConditionGlobal", "did you mean Global?"),
        ("X-ConditionConflicts", "did you mean Conflicts?"),
        ("X-MachineMetadata", "did you mean MachineMetadata?"),
        ("X-ConditionMetadata", "did you mean MachineMetadata?"),
        ("MachineMetdata", "did you mean MachineMetadata?"),
        ("Conflict", "did you mean Conflicts?"),
        ("Replace", "did you mean Replaces?"),
        ("FailOver", "did you mean Failover?"),
        ("X-Peers", "the keys are MachineID, "),
        ("\x1b[31m", "the keys are MachineID, "),
    ],
)
def test_an_unknown_key_is_refused_with_what_it_may_mean(word: str, hint: str) -> None:
    error = refused("Conflicts=a", f"{word}=a=b")
    assert error.place == "web.service:3"
    assert error.hint.startswith(hint)
    assert error.message.isprintable()


@pytest.mark.parametrize("name", ["x-fleet", "X-fleet", "XFleet", "X_Fleet", "Fleet", "X-Fleets"])
def test_a_section_that_only_looks_like_ours_is_refused(name: str) -> None:
    with pytest.raises(UnitFileError, match="nobody reads a section") as caught:
        requirements(parse(f"[Unit]\nA=1\n[{name}]\n", "web.service"), UnitName("web.service"))
    assert caught.value.place == "web.service:3"
    assert caught.value.hint == "did you mean [X-Fleet]?"


def test_sections_of_others_are_left_alone() -> None:
    for name in ("X-Other", "Unit", "Service", "Install", "Timer", "X-Flux"):
        assert requirements(parse(f"[{name}]\nA=1", "x"), UnitName("x.service")) == Requirements()

"""Keys of [X-Fleet] that exclude each other, and those that do not."""

import pytest

from sshfleet.model.requirements import Requirements
from tests.unitfile.rules import ID, refused, rules


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        (["MachineOf=db.service", "Conflicts=a db*"], 3, ["db*", "Conflicts", "MachineOf"]),
        (["MachineOf=db.service", "Replaces=d?.service"], 3, ["Replaces", "MachineOf"]),
        ([f"MachineID={ID}", "MachineOf=db.service"], 3, ["MachineID", "MachineOf"]),
        (["X-Conflicts=a", f"MachineID={ID}"], 2, ["MachineID", "X-Conflicts"]),
        ([f"MachineID={ID}", "Global=true"], 3, ["MachineID", "Global"]),
        ([f"MachineID={ID}", "Replaces=a"], 3, ["MachineID", "Replaces"]),
        (["Global=true", "X-ConditionMachineOf=a.service"], 3, ["Global", "X-ConditionMachineOf"]),
        (["Global=true", "Replaces=a"], 3, ["Global", "Replaces"]),
        (["Conflicts=a", "Replaces=b"], 3, ["Conflicts", "Replaces"]),
        (["Failover=lease", "Global=true"], 2, ["Failover=lease", "Global"]),
        (["Global=true", "Failover=manual", "Failover=eager"], 4, ["Failover=eager", "Global"]),
        (["HandOver=start-first", "Failover=lease"], 2, ["HandOver=start-first", "Failover=lease"]),
    ],
)
def test_rules_that_cannot_both_hold_are_refused(
    lines: list[str], line: int, words: list[str]
) -> None:
    error = refused(*lines)
    assert error.place == f"web.service:{line}"
    assert all(word in error.message for word in words)


@pytest.mark.parametrize(
    "lines",
    [
        ["Global=true", "MachineMetadata=a=1"],
        ["Global=true", "Conflicts=a"],
        ["Global=true", "Failover=lease", "Failover=manual"],
        ["Global=false", "Failover=lease"],
        ["HandOver=start-first", "Failover=eager"],
        ["HandOver=start-first", "Failover=lease", "Failover=manual"],
        ["HandOver=start-first", "Conflicts=api*"],
        ["HandOver=start-first", "Conflicts=web*"],
        ["MachineOf=db.service", "Conflicts=web*"],
        ["MachineOf=db.service", "Replaces=web*"],
        ["MachineOf=db.service", "MachineMetadata=a=1"],
        [f"MachineID={ID}", "MachineMetadata=a=1"],
        [f"MachineID={ID}", "Global=false"],
        ["Global=off", "MachineOf=a.service"],
    ],
)
def test_rules_that_go_together_are_accepted(lines: list[str]) -> None:
    assert rules(*lines) != Requirements()

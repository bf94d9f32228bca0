"""The inventory's own command that makes sure that a machine is off."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sshfleet.fence import fence
from sshfleet.lab.waiting import holds
from tests.builders import machine


def said(*command: str, within: float = 60.0) -> str:
    return asyncio.run(fence(replace(machine("m1"), fence_command=command), within))


def test_it_runs_without_a_shell_and_without_input() -> None:
    assert said("test", "$(false)", "=", "$(false)") == ""
    assert said("sh", "-c", "! read line") == ""


def test_it_is_told_which_machine_is_meant() -> None:
    told = 'test "$SSHFLEET_MACHINE $SSHFLEET_ADDRESS" = "m1 m1.example"'
    assert said("sh", "-c", told) == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("sh", "-c", "echo no such host >&2; exit 3"), "failed with status 3: no such host"),
        (("sh", "-c", "exit 1"), "failed with status 1: it said nothing"),
        (("sh", "-c", "kill -KILL $$"), "failed with status -9"),
        (("/no/such/command",), "cannot be run: No such file or directory"),
    ],
)
def test_whatever_does_not_end_well_proves_nothing(command: tuple[str, ...], words: str) -> None:
    assert words in said(*command)


def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"sleep 1000 & echo $! >{pid}; wait"
    assert "did not end within 1 s" in said("sh", "-c", script, within=1.0)
    child = Path("/proc") / pid.read_text().strip() / "stat"
    assert holds(lambda: not child.exists() or ") Z " in child.read_text(), 10)

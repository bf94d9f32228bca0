"""doctor on real machines: each thing that is wrong is told with what mends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.user import Ended, User, by_id, shown, systemctl, visiting

pytestmark = pytest.mark.slow

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
FAILS = "[Service]\nType=exec\nExecStart=/bin/sh -c 'sleep 1; exit 3'\n"
CRASHES = "[Service]\nExecStart=/bin/sh -c 'sleep 0.1; exit 3'\nRestart=always\nRestartSec=600\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        someone.variables["SSHFLEET_SSH_TIMEOUT"] = "3"
        yield someone


def wrong(ended: Ended) -> dict[str, str]:
    """Return what is wrong, each with what mends it."""
    lines = ended.stdout.splitlines()
    found = {}
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        about, word, what = [*line.split(None, 2), "", "", ""][:3]
        if word == "wrong":
            found[what] = f"{about} {below.strip()}"
    return found


def test_a_fleet_without_a_fault_is_well(lab3: Lab, user: User) -> None:
    user.writes("a.service", SLEEP)
    user.gets("start", "a")
    lines = user.gets("doctor").splitlines()
    assert lines[-1] == "all well"
    home = next(line for line in lines if line.startswith(by_id(lab3)[0].name))
    assert " ok     answers since " in home
    assert home.endswith(", 1 unit")


def test_units_that_fail_crash_or_are_masked_are_told(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0].name
    rules = f"[X-Fleet]\nMachineID={by_id(lab3)[0].machine_id}\n"
    for name, text in (("fails", FAILS), ("crashes", CRASHES), ("masked", SLEEP)):
        user.writes(f"{name}.service", text + rules)
    user.gets("load", "masked")
    user.gets("start", "--no-block", "fails", "crashes")
    until(lambda: shown(lab3, home, "crashes.service", "SubState") == "auto-restart", 60, "a crash")
    until(lambda: systemctl(lab3, home, "is-active", "fails") == "failed", 60, "a failure")
    systemctl(lab3, home, "mask", "--runtime", "masked.service")
    try:
        ended = user.runs("doctor")
    finally:
        systemctl(lab3, home, "unmask", "--runtime", "masked.service")
    found = wrong(ended)
    assert ended.code == 1
    assert found["fails.service has failed (exit-code)"] == (
        f"{home} mend: sshfleet journal fails.service"
    )
    assert any(what.startswith("crashes.service crashes again and again") for what in found)


def test_a_machine_without_sshd_and_one_that_is_cut_off_are_told_apart(
    lab3: Lab, user: User
) -> None:
    first, second, _third = (machine.name for machine in lab3.machines)
    lab3.partition(first)
    lab3.run(second, "systemctl", "stop", "ssh.socket", "ssh.service")
    ended = user.runs("doctor")
    lab3.heal(first)
    lab3.run(second, "systemctl", "start", "ssh.service")
    found = {about.split()[0]: what.split()[0] for what, about in wrong(ended).items()}
    assert found == {first: "silent", second: "no-sshd"}
    assert ended.code == 3

    again = user.gets("list-machines", "--fields", "name,trouble,since", "--no-legend")
    assert all(line.split()[1] == "-" for line in again.splitlines())


def test_a_machine_of_another_journal_is_told_with_how_to_take_it_over(
    lab3: Lab, user: User
) -> None:
    user.writes("a.service", SLEEP)
    user.gets("start", "a")
    ended = user.runs("doctor", "--journal", "other/journal.jsonl")
    home = by_id(lab3)[0].name
    assert ended.code == 1
    ((what, mend),) = wrong(ended).items()
    assert what.startswith("owned: belongs to another journal (last changed by ")
    assert mend.startswith(f"{home} mend: ")

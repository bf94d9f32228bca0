"""`verify --on MACHINE`: the opinion of the very systemd that is to run the unit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.user import User, visiting

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone


def temporary(lab: Lab, machine: str) -> list[str]:
    return lab.run(machine, "ls", "/tmp").stdout.decode().split()


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_machine_says_what_cannot_work_there(lab3: Lab, user: User, suite: str) -> None:
    machine = next(each.name for each in lab3.machines if each.suite == suite)
    user.writes("good.service", SLEEP + "[X-Fleet]\nGlobal=true\n[X-Other]\nA=b\n")
    user.writes("typo@.service", SLEEP + "Typ=simple\n")
    user.writes("typo@.service.d/10.conf", "[Unti]\nA=b\n")
    user.writes("needs.service", SLEEP + "[Unit]\nRequires=good.service\n")
    user.writes("binary.service", "[Service]\nExecStart=/opt/nowhere\n")
    user.writes("ghost.service", SLEEP + "[Unit]\nRequires=nobody.service\n")
    before = temporary(lab3, machine)

    fine = user.runs("verify", "good.service", "typo@.service", "needs", "--on", machine)
    assert (fine.code, fine.stdout) == (
        0, "good.service: ok\ntypo@.service: ok\nneeds.service: ok\n",
    )  # fmt: skip
    places = [line.split()[:2] for line in fine.stderr.splitlines()]
    assert places == [["warning:", "typo@.service:3:"], ["warning:", "typo@.service.d/10.conf:1:"]]

    wrong = user.runs("verify", "binary.service", "ghost.service", "good.service", "--on", machine)
    assert (wrong.code, wrong.stdout) == (1, "good.service: ok\n")
    errors = [line for line in wrong.stderr.splitlines() if line.startswith("error: ")]
    assert ["/opt/nowhere" in errors[0], "nobody.service" in errors[1], len(errors)] == [1, 1, 2]
    assert f"hint: systemd on {machine} says so: man systemd.service" in wrong.stderr
    assert temporary(lab3, machine) == before


def test_a_machine_that_is_away_is_told(lab3: Lab, user: User) -> None:
    user.writes("good.service", SLEEP)
    lab3.kill("core-02")
    ended = user.runs("verify", "good.service", "--on", "core-02", "--ssh-timeout", "3")
    assert (ended.code, ended.stdout) == (3, "")
    assert ended.stderr.startswith("error: core-02 cannot be reached")

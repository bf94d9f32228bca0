"""Lists of some hundred machines: memory, processor, open files, and an end by Ctrl-C."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SCRATCH
from tests.crowd.crowd import Kinds, Run, crowd
from tests.lab.user import User

pytestmark = pytest.mark.slow

MANY, FEW = 300, 30
LONGEST = 240.0
LEAVES_OFF = 3.0  # seconds after Ctrl-C: 1 is promised, 5 are the last resort
CPU = 0.04  # seconds a machine: 6 ms are promised, this computer may be slow and busy
MEMORY = 200  # kB a machine


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(tempfile.mkdtemp(dir=SCRATCH))


@pytest.fixture(scope="module")
def user(folder: Path) -> Iterator[User]:
    with crowd(folder / "many", Kinds(good=MANY)) as user:
        yield user


def rows(stdout: str) -> int:
    return sum(line.endswith(" ready") for line in stdout.splitlines())


def test_a_machine_costs_little_and_its_connection_ends_when_it_has_answered(
    user: User, folder: Path
) -> None:
    many = Run(user, "--forks", "20", "list-machines").cost(LONGEST)
    with crowd(folder / "few", Kinds(good=FEW)) as other:
        few = Run(other, "--forks", "20", "list-machines").cost(LONGEST)
    assert (many.code, many.stderr, rows(many.stdout)) == (0, "", MANY)
    assert (many.memory - few.memory) / (MANY - FEW) < MEMORY
    assert (many.cpu - few.cpu) / (MANY - FEW) < CPU
    assert many.files < MANY / 2


def test_few_open_files_are_enough_for_many_machines(user: User) -> None:
    ended = Run(user, "list-machines", files=90).cost(LONGEST)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.files <= 90
    assert rows(ended.stdout) == MANY


def test_ctrl_c_in_the_middle_ends_a_look_at_many_machines(user: User) -> None:
    run = Run(user, "--forks", "10", "list-machines")
    stopped = run.interrupt(after=0.3)
    ended = run.cost(LONGEST)
    assert (ended.code, ended.stdout) == (130, "")
    assert "\x1b" not in ended.stderr
    assert len(ended.stderr.splitlines()) <= 2
    assert stopped < LEAVES_OFF

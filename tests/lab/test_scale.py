"""Sixty units on thirty machines."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.labs import BootLab
from tests.lab.user import systemctl, visiting

pytestmark = pytest.mark.slow

TEMPLATE = "[Unit]\nDescription=job %i\n[Service]\nExecStart=/bin/sleep infinity\n"
MACHINES, UNITS = 30, 60
ENOUGH = 120  # seconds for any of the commands, on a busy computer


@pytest.fixture
def big_lab(boot_lab: BootLab) -> Iterator[Lab]:
    lab = boot_lab(count=MACHINES, suites=("bookworm", "trixie"))
    yield lab
    lab.down()


def test_sixty_units_on_thirty_machines(
    big_lab: Lab, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    names = [f"job@{number}.service" for number in range(UNITS)]
    with visiting(big_lab, tmp_path) as user:
        user.writes("job@.service", TEMPLATE)

        def timed(*words: str) -> str:
            ended = user.runs(*words)
            record_property(words[0], f"{ended.seconds:.1f} s")
            assert (ended.code, ended.stderr) == (0, "")
            assert ended.seconds < ENOUGH
            return ended.stdout

        started = timed("start", *names).splitlines()
        assert sum(" launched on " in line for line in started) == UNITS
        rows = [line.split() for line in timed("list-units", "--no-legend").splitlines()]
        assert sorted(row[0] for row in rows) == sorted(names)
        assert {tuple(row[2:]) for row in rows} == {("active", "running")}
        assert Counter(Counter(row[1] for row in rows).values()) == {UNITS // MACHINES: MACHINES}
        count_on_the_machines(big_lab)
        assert timed("reconcile") == ""
        gone = timed("destroy", "job@*").splitlines()
        assert gone == [f"Destroyed {name}" for name in sorted(names)]
        assert user.gets("list-units", "--no-legend") == ""


def count_on_the_machines(lab: Lab) -> None:
    for machine in lab.machines:
        running = systemctl(lab, machine.name, "list-units", "--plain", "--no-legend", "job@*")
        assert running.count(" active running job ") == UNITS // MACHINES

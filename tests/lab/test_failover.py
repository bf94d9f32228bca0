"""Real machines that are lost and come back, with a witness of what ran where and when.

Somebody always looks: `reconcile --every 1` runs beside each test.
"""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine
from sshfleet.lab.waiting import holds, until
from tests.lab.cron import from_an_empty_crontab
from tests.lab.test_draining import settle_on
from tests.lab.user import User, by_id, visiting
from tests.lab.witness import active, intervals

pytestmark = pytest.mark.slow

LEASE, LOST_AFTER = 6, 4  # seconds
STOPPING = 0.3
GUARD_LOOKS = 6.0
SLOW_DOWN = 6.0  # seconds that a busy computer may add
POLICY = f"failover: {{lease: {LEASE}s, lost_after: {LOST_AFTER}s}}\n"
# Writes the time again and again, by the clock that all machines of a lab share.
WITNESSED = f"""\
[Service]
ExecStart=/bin/sh -c 'trap "sleep {STOPPING}; exit 0" TERM; \
while :; do date +%%s%%N >>/run/witness-%n; sleep 0.1; done'
TimeoutStopSec=2
[X-Fleet]
"""


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        someone.writes("inventory.yaml", lab3.inventory.read_text() + POLICY)
        someone.variables["SSHFLEET_INVENTORY"] = str(someone.folder / "inventory.yaml")
        someone.variables["SSHFLEET_SSH_TIMEOUT"] = "2"
        for mode in ("lease", "eager", "manual"):
            someone.writes(f"{mode}.service", f"{WITNESSED}Failover={mode}\n")
        yield someone
    for machine in lab3.machines:
        lab3.run(machine.name, "sh", "-c", "rm -f /run/witness-*")


@contextmanager
def somebody_looks(user: User) -> Iterator["subprocess.Popen[str]"]:
    """Let reconcile run every second."""
    with user.begins("reconcile", "--every", "1") as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def home(lab: Lab, unit: str) -> list[str]:
    """Name the machines that run a unit, whether or not anybody can reach them."""
    return [machine.name for machine in by_id(lab) if active(lab, machine, f"{unit}.service")]


def last_seen(lab: Lab, machine: LabMachine, unit: str) -> float:
    """Return when a unit was last seen to run on a machine, in seconds."""
    return intervals(lab, machine, f"{unit}.service")[-1][1]


def overlap(lab: Lab, unit: str) -> bool:
    """Tell whether a unit ever ran on two machines at once."""
    found = sorted(
        one for machine in lab.machines for one in intervals(lab, machine, f"{unit}.service")
    )
    return any(later[0] <= earlier[1] for earlier, later in pairwise(found))


@pytest.mark.row("G1", "G3", "G20")
def test_a_machine_that_is_cut_off_loses_its_units_as_each_of_them_asks(
    lab3: Lab, user: User
) -> None:
    first, *_ = by_id(lab3)
    settle_on(lab3, user, first.name, "lease", "eager", "manual")
    with somebody_looks(user):
        until(lambda: home(lab3, "lease") == [first.name], 30, "lease at home")
        lab3.partition(first.name)
        cut = now(lab3, first)
        until(lambda: len(home(lab3, "eager")) == 2, 60, "eager elsewhere")
        until(lambda: home(lab3, "lease") == [], 60, "the end of the lease")
        ended = last_seen(lab3, first, "lease") - cut
        assert ended <= LEASE + GUARD_LOOKS + STOPPING + SLOW_DOWN, ended
        until(lambda: home(lab3, "lease") != [], 120, "lease elsewhere")
        assert first.name not in home(lab3, "lease")
        assert home(lab3, "manual") == [first.name]

        lab3.heal(first.name)
        until(lambda: len(home(lab3, "eager")) == 1, 60, "the end of the stale copy")
        assert first.name not in home(lab3, "eager")
        assert first.name not in home(lab3, "lease")
    assert not overlap(lab3, "lease")
    assert home(lab3, "manual") == [first.name]
    assert len(intervals(lab3, first, "manual.service")) == 1


def now(lab: Lab, machine: LabMachine) -> float:
    """Return the time by the clock of all machines."""
    return int(lab.run(machine.name, "date", "+%s%N").stdout) / 1e9


def until_cut_for(lab: Lab, machine: LabMachine, seconds: float) -> None:
    """Return when so much time has passed, by the clock of all machines."""
    begun = now(lab, machine)
    until(lambda: now(lab, machine) - begun > seconds, 60 + seconds, f"{seconds} s to pass")


@pytest.mark.row("G2")
@pytest.mark.parametrize("seconds", [3, 9])
def test_a_cut_that_ends_before_the_move_moves_nothing(lab3: Lab, user: User, seconds: int) -> None:
    first, *_ = by_id(lab3)
    settle_on(lab3, user, first.name, "lease")
    with somebody_looks(user):
        until(lambda: home(lab3, "lease") == [first.name], 30, "lease at home")
        lab3.partition(first.name)
        until_cut_for(lab3, first, seconds)
        lab3.heal(first.name)
        until_cut_for(lab3, first, GUARD_LOOKS + LEASE)  # whatever was to come has come
        assert holds(lambda: home(lab3, "lease") == [first.name], 60)
    assert not overlap(lab3, "lease")


@pytest.mark.row("A9")
def test_a_link_that_comes_and_goes_moves_nothing(lab3: Lab, user: User) -> None:
    first, *_ = by_id(lab3)
    settle_on(lab3, user, first.name, "eager")
    with somebody_looks(user) as service:
        for _ in range(4):
            lab3.partition(first.name)
            until_cut_for(lab3, first, 3)
            lab3.heal(first.name)
            until(lambda: is_ready(user, first.name), 60, "the machine")
        assert home(lab3, "eager") == [first.name]
        service.send_signal(signal.SIGTERM)
        said, _ = service.communicate(timeout=60)
    assert said == ""


def is_ready(user: User, name: str) -> bool:
    """Tell whether a machine answers."""
    rows = user.runs("list-machines", "--no-legend", "--fields", "name,status").stdout.splitlines()
    return any(row.split() == [name, "ready"] for row in rows)


@pytest.mark.row("A11")
def test_when_many_machines_are_silent_nothing_moves(lab3: Lab, user: User) -> None:
    first, second, _ = by_id(lab3)
    settle_on(lab3, user, first.name, "eager", "manual")
    for machine in (first, second):
        lab3.partition(machine.name)
    until(lambda: "2 of 3 machines are silent" in user.runs("reconcile").stderr, 60, "silence")
    until_cut_for(lab3, first, LOST_AFTER + 2)
    ended = user.runs("reconcile")
    assert (ended.code, ended.stdout) == (75, "")
    assert home(lab3, "eager") == home(lab3, "manual") == [first.name]
    lab3.heal(second.name)  # one silent machine of three is believed
    until(lambda: not user.runs("reconcile").stderr.count("silent, so"), 60, "belief")
    until(lambda: len(home(lab3, "eager")) == 2, 60, "eager elsewhere")


def test_when_nobody_looks_leased_units_end_and_start_again_where_they_were(
    lab3: Lab, user: User
) -> None:
    first, *_ = by_id(lab3)
    settle_on(lab3, user, first.name, "lease", "eager")
    until(lambda: home(lab3, "lease") == [], 60, "the end of the lease")
    assert home(lab3, "eager") == [first.name]
    assert "+ lease.service start" in user.gets("reconcile")
    assert home(lab3, "lease") == [first.name]


def test_when_all_are_cut_off_leases_end_and_nothing_else_and_all_goes_on_where_it_was(
    lab3: Lab, user: User
) -> None:
    homes = dict(zip(("lease", "eager", "manual"), by_id(lab3), strict=True))
    for unit, machine in homes.items():
        settle_on(lab3, user, machine.name, unit)
    with somebody_looks(user):
        until(lambda: home(lab3, "lease") == [homes["lease"].name], 30, "lease at home")
        for machine in lab3.machines:
            lab3.partition(machine.name)
        until(lambda: home(lab3, "lease") == [], 60, "the end of the lease")
        until_cut_for(lab3, homes["lease"], 2 * LEASE)  # as long as a move would take
        for machine in lab3.machines:
            lab3.heal(machine.name)
        until(lambda: home(lab3, "lease") != [], 120, "lease again")
    for unit, machine in homes.items():
        assert home(lab3, unit) == [machine.name]
    for unit in ("eager", "manual"):
        assert len(intervals(lab3, homes[unit], f"{unit}.service")) == 1
    assert not overlap(lab3, "lease")


def test_from_an_empty_crontab_to_an_eager_unit_that_moves_when_its_machine_loses_power(
    lab3: Lab, user: User
) -> None:
    first, *others = by_id(lab3)
    settle_on(lab3, user, first.name, "eager", "manual")
    cron = from_an_empty_crontab(user)
    assert cron.minute() == (0, "", "")
    lab3.kill(first.name)
    begun = now(lab3, others[0])

    def moved() -> bool:
        code, said, _ = cron.minute()
        assert code in (3, 0), said
        return "+ eager.service" in said

    until(moved, 120, "eager elsewhere")
    assert now(lab3, others[0]) - begun >= LOST_AFTER
    (new,) = [machine for machine in others if active(lab3, machine, "eager.service")]
    assert not any(active(lab3, machine, "manual.service") for machine in others)

    lab3.boot(first.name)
    until(lambda: cron.minute() == (0, "", ""), 120, "peace")
    assert home(lab3, "eager") == [new.name]
    assert home(lab3, "manual") == [first.name]

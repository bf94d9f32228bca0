"""Machines that are drained and evicted, with a witness of what ran where and when."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.body import Condition
from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.user import User, by_id, legend_of, systemctl, visiting

# Tells when it begins and when it ends, by the clock that all machines of a lab share. It stops
# slowly enough for another copy to be seen beside it.
WITNESSED = """\
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'trap "sleep 0.3; exit 0" TERM; systemd-notify --ready; \
while :; do date +%%s%%N >>/run/witness-%n; sleep 0.05; done'
ExecStopPost=/bin/sh -c 'date +%%s%%N >>/run/witness-%n'
[X-Fleet]
"""
FIRST = "HandOver=start-first\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone
    for machine in lab3.machines:
        lab3.run(machine.name, "sh", "-c", "rm -f /run/witness-*")


def span(lab: Lab, machine: str, unit: str) -> tuple[int, int] | None:
    """Return when a unit was first and last seen to run on a machine (ns)."""
    told = lab.run(machine, "cat", f"/run/witness-{unit}", check=False).stdout.split()
    return (int(told[0]), int(told[-1])) if told else None


def spans(lab: Lab, unit: str) -> list[tuple[int, int]]:
    """Return the times in which a unit ran on any machine, in order."""
    found = [span(lab, machine.name, unit) for machine in lab.machines]
    return sorted(one for one in found if one)


def running(lab: Lab, unit: str) -> set[str]:
    """Name the machines that are on and run a unit."""
    states = {
        one.name: systemctl(lab, one.name, "is-active", unit)
        for one in lab.machines
        if lab.status()[one.name] is Condition.RUNNING
    }
    return {name for name, state in states.items() if state == "active"}


def settle_on(lab: Lab, user: User, home: str, *units: str) -> None:
    """Start units on one machine."""
    others = [machine.name for machine in lab.machines if machine.name != home]
    user.gets("cordon", *others)
    user.gets("start", *units)
    user.gets("uncordon", *others)


def test_a_machine_is_drained_one_unit_at_a_time(lab3: Lab, user: User) -> None:
    first, second, third = by_id(lab3)
    user.writes("a.service", WITNESSED)
    user.writes("b.service", WITNESSED + FIRST)
    user.writes("here.service", WITNESSED + f"MachineID={first.machine_id}\n")
    user.writes("all.service", WITNESSED + "Global=true\n")
    settle_on(lab3, user, first.name, "a", "b", "here", "all")

    shown = user.runs("drain", first.name, "--dry-run").stdout
    assert [name for name in ("a", "b", "all") if f"- {name}.service" not in shown] == []
    assert f"! here.service  stays on {first.name}" in shown

    ended = user.runs("drain", first.name, "--timeout", "200")
    assert ended.code == 1
    assert f"error: {first.name} still has 1 unit: here.service, because" in ended.stderr
    assert f"Unit a.service launched on {legend_of(second)}\n" in ended.stdout
    assert f"Unit b.service launched on {legend_of(third)}\n" in ended.stdout
    where = {unit: running(lab3, f"{unit}.service") for unit in ("a", "b", "here", "all")}
    assert where == {
        "a": {second.name}, "b": {third.name}, "here": {first.name},
        "all": {second.name, third.name},
    }  # fmt: skip
    (_, ended_a), (begun_a, _) = spans(lab3, "a.service")
    assert ended_a < begun_a, "both copies of a stop-first unit ran at once"
    (_, ended_b), (begun_b, _) = spans(lab3, "b.service")
    assert begun_b < ended_b, "no copy of a start-first unit ran for a while"
    assert begun_a < begun_b, "two units moved at once"

    states = user.rows("list-machines", "--fields", "name,status")
    assert {row["name"]: row["status"] for row in states}[first.name] == "draining"
    user.gets("destroy", "here")
    assert user.gets("drain", first.name) == f"Machine {first.name} is drained\n"
    states = user.rows("list-machines", "--fields", "name,status")
    assert {row["name"]: row["status"] for row in states}[first.name] == "cordoned"


def test_a_drain_that_is_killed_half_way_is_ended_by_reconcile(lab3: Lab, user: User) -> None:
    first, *_ = by_id(lab3)
    user.writes("a.service", WITNESSED + FIRST)
    user.writes("b.service", WITNESSED)
    settle_on(lab3, user, first.name, "a", "b")

    with user.begins("drain", first.name) as drain:
        until(lambda: len(spans(lab3, "a.service")) == 2, 60, "the new copy of a")
        os.kill(drain.pid, signal.SIGKILL)
    user.runs("reconcile")
    assert user.gets("reconcile") == ""
    for unit in ("a.service", "b.service"):
        assert len(running(lab3, unit) - {first.name}) == len(running(lab3, unit)) == 1
        (_, ended), (begun, _) = spans(lab3, unit)
        assert (begun < ended) == (unit == "a.service")


def test_what_a_dead_machine_had_is_started_elsewhere(lab3: Lab, user: User) -> None:
    first, *_ = by_id(lab3)
    user.writes("a.service", WITNESSED + "[Install]\nWantedBy=multi-user.target\n")
    settle_on(lab3, user, first.name, "a")
    answers = user.runs("evict", first.name, "--yes")
    assert (
        answers.code,
        f"hint: to move them away: sshfleet drain {first.name}" in answers.stderr,
    ) == (1, True)

    lab3.kill(first.name)
    user.variables["SSHFLEET_SSH_TIMEOUT"] = "3"
    assert user.runs("drain", first.name).code == 1
    assert user.runs("evict", first.name).code == 2
    evicted = user.runs("evict", first.name, "--yes")
    assert evicted.code == 0, evicted
    assert "Unit a.service launched on" in evicted.stdout
    (home,) = running(lab3, "a.service")

    lab3.boot(first.name)
    del user.variables["SSHFLEET_SSH_TIMEOUT"]
    user.runs("reconcile")
    assert running(lab3, "a.service") == {home}
    told = user.gets("history", "--unit", "a")
    assert "evicted by" in told

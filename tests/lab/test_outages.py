"""Machines that lose power or the network, and come back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.user import (
    Ended,
    User,
    by_id,
    is_active,
    legend_of,
    shown,
    systemctl,
    traces,
    visiting,
)

pytestmark = pytest.mark.slow

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
INSTALLED = SLEEP + "[Install]\nWantedBy=multi-user.target\n"
SLOW = """\
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.1; done; \
systemd-notify --ready; exec sleep infinity'
"""
SSH_TIMEOUT = 3  # seconds
SLACK = 20  # seconds that a busy computer may add
QUIET = (0, "", "")


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        someone.variables["SSHFLEET_SSH_TIMEOUT"] = str(SSH_TIMEOUT)
        for name in ("a", "b", "c", "d"):
            someone.writes(f"{name}.service", SLEEP)
        yield someone


def said(ended: Ended) -> tuple[int, str, str]:
    return ended.code, ended.stdout, ended.stderr


def boots(lab: Lab, machine: str) -> None:
    """Power a machine on and wait until all that it starts by itself has started."""
    lab.boot(machine)
    systemctl(lab, machine, "is-system-running", "--wait")


def test_without_one_machine_everything_else_works(lab3: Lab, user: User) -> None:
    first, second, third = by_id(lab3)
    user.gets("start", "a", "b", "c")
    lab3.kill(first.name)

    machines = user.runs("list-machines", "--fields", "name,status", "--no-legend")
    assert machines.code == 0
    assert dict(line.split() for line in machines.stdout.splitlines()) == {
        first.name: "unreachable",
        second.name: "ready",
        third.name: "ready",
    }
    assert machines.stderr.startswith(f"{first.name} silent since ")
    assert machines.seconds < SSH_TIMEOUT + SLACK

    units = user.runs("list-units", "--fields", "unit,name,active", "--no-legend")
    assert [line.split() for line in units.stdout.splitlines()] == [
        ["a.service", first.name, "unknown"],
        ["b.service", second.name, "active"],
        ["c.service", third.name, "active"],
    ]
    assert said(user.runs("start", "d")) == (
        0,
        f"Unit d.service inactive\nUnit d.service launched on {legend_of(second)}\n",
        "",
    )
    assert user.gets("stop", "b") == f"Unit b.service loaded on {legend_of(second)}\n"


@pytest.mark.parametrize("verb", ["stop", "destroy"])
@pytest.mark.row("C21")
def test_what_is_asked_of_a_machine_without_power_is_done_when_it_is_back(
    lab3: Lab, user: User, verb: str
) -> None:
    home = by_id(lab3)[0].name
    user.gets("start", "a")
    lab3.kill(home)

    asked = user.runs(verb, "a")
    assert (asked.code, asked.stdout) == (3, "")
    error, hint = asked.stderr.splitlines()
    assert error.startswith(f"error: {home} cannot be reached (")
    assert error.endswith("): a.service")
    assert hint == (
        "hint: what you asked is recorded; sshfleet reconcile finishes it when the machine is back"
    )
    assert user.runs("reconcile").code == 3

    boots(lab3, home)
    assert systemctl(lab3, home, "is-active", "a.service") == "active"  # it cannot know better
    done = user.gets("reconcile")
    assert "a.service" in done
    assert f" on {home}: " in done
    assert systemctl(lab3, home, "is-active", "a.service") == "inactive"
    assert (traces(lab3, home) == []) == (verb == "destroy")
    assert said(user.runs("reconcile")) == QUIET


@pytest.mark.row("C21")
def test_after_a_power_cycle_the_launched_units_are_back_by_themselves(
    lab3: Lab, user: User
) -> None:
    user.writes("installed.service", INSTALLED)
    user.gets("start", "a", "b", "c")
    user.gets("load", "d", "installed")
    before = {unit: is_active(lab3, f"{unit}.service") for unit in "abcd"}

    for machine in lab3.machines:
        lab3.kill(machine.name)
    for machine in lab3.machines:
        boots(lab3, machine.name)

    assert {unit: is_active(lab3, f"{unit}.service") for unit in "abcd"} == before
    assert set(is_active(lab3, "installed.service").values()) == {"inactive"}
    assert said(user.runs("reconcile")) == QUIET


@pytest.mark.row("A5")
def test_a_partition_in_the_middle_of_a_start_is_found_out_and_the_start_goes_on(
    lab3: Lab, user: User
) -> None:
    user.writes("slow.service", SLOW)
    home = by_id(lab3)[0].name
    with user.begins("start", "slow", "--timeout", "60") as process:
        until(
            lambda: systemctl(lab3, home, "is-active", "slow.service") == "activating",
            60,
            "the start to begin",
        )
        lab3.partition(home)
        stdout, stderr = process.communicate(timeout=120)

    assert (process.returncode, stdout) == (3, "Unit slow.service inactive\n")
    assert stderr.startswith(f"error: {home} cannot be reached (")
    lab3.run(home, "touch", "/run/go")
    until(lambda: shown(lab3, home, "slow.service", "SubState") == "running", 30, "it to run")
    lab3.heal(home)
    assert said(user.runs("reconcile")) == QUIET
    assert [row["active"] for row in user.rows("list-units")] == ["active"]


def test_a_machine_that_was_replaced_does_not_pass_for_the_old_one(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0]
    other = "0" * 31 + "1"
    user.gets("start", "a")
    rename(lab3, home.name, other)
    try:
        listed = user.rows("list-machines", "--full", "--fields", "name,machine")
        assert {"name": home.name, "machine": other} in listed
        asked = user.runs("stop", "a")
        assert (asked.code, asked.stdout) == (3, "")
        assert asked.stderr.startswith(
            f"error: {legend_of(home)[:11]} cannot be reached (no machine of the inventory"
        )
    finally:
        rename(lab3, home.name, home.machine_id)
    assert user.gets("stop", "a") == f"Unit a.service loaded on {legend_of(home)}\n"


def rename(lab: Lab, machine: str, machine_id: str) -> None:
    """Give a machine another ID, as if another were plugged in at its address."""
    write = f"echo {machine_id} >/etc/machine-id.new; mv /etc/machine-id.new /etc/machine-id; sync"
    lab.run(machine, "sh", "-c", write)
    lab.kill(machine)
    boots(lab, machine)


def test_when_no_machine_answers_nothing_is_done(lab3: Lab, user: User) -> None:
    for machine in lab3.machines:
        lab3.partition(machine.name)

    asked = user.runs("start", "a")

    assert (asked.code, asked.stdout) == (75, "")
    assert asked.stderr.splitlines() == [
        "error: none of the 3 machines answers: nothing was done",
        "hint: check the network of this computer, then try again",
    ]
    assert user.runs("list-machines").code == 0
    assert user.gets("list-unit-files", "--no-legend") == ""

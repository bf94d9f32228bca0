"""Rows A of docs/faults.md: machines that cannot be reached, or not as they should be."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine
from sshfleet.lab.waiting import until
from tests.lab.bad_wire import Weather, bad_wire
from tests.lab.inflicted import another_host_key, swapped_addresses, without_answers
from tests.lab.user import Ended, User, by_id, legend_of, shown, systemctl, visiting

pytestmark = pytest.mark.slow

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
SLOW = """\
[Service]
ExecStartPre=/bin/sh -c 'echo >>/run/starts; until [ -e /run/go ]; do sleep 0.1; done'
ExecStart=/bin/sleep infinity
"""
SSH_TIMEOUT = 5  # seconds, where a machine is known to be silent
SLACK = 20  # seconds that a busy computer may add
QUIET = (0, "", "")
LIST = ["list-machines", "--fields", "name,trouble", "--no-legend"]


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        for name in ("a", "b", "c", "d"):
            someone.writes(f"{name}.service", SLEEP)
        yield someone


def said(ended: Ended) -> tuple[int, str, str]:
    return ended.code, ended.stdout, ended.stderr


def invocations(lab: Lab) -> dict[tuple[str, str], str]:
    """Say of each unit on each machine which run of it this is; empty: it never ran there."""
    names = [machine.name for machine in lab.machines]
    return {
        (unit, name): shown(lab, name, f"{unit}.service", "InvocationID")
        for unit in "abc"
        for name in names
    }


def together(user: User, *commands: Sequence[str]) -> list[Ended]:
    """Run commands at the same time, none of which waits long for a machine."""
    user.variables["SSHFLEET_SSH_TIMEOUT"] = str(SSH_TIMEOUT)
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda words: user.runs(*words), commands))
    del user.variables["SSHFLEET_SSH_TIMEOUT"]
    return ended


def troubles(listed: Ended) -> dict[str, str]:
    """Return what stands in the way of each machine, by a list of LIST."""
    return dict(line.split() for line in listed.stdout.splitlines())


def stays_without(lab: Lab, user: User, machine: LabMachine, trouble: str, words: str) -> None:
    """Check what is said and done while the machine of `a` cannot be reached: nothing moves."""
    second, before = by_id(lab)[1], invocations(lab)

    machines, again = together(user, LIST, ["reconcile"])
    (placed,) = together(user, ["start", "d"])

    assert machines.code == 0
    assert troubles(machines) == {each.name: "-" for each in lab.machines} | {machine.name: trouble}
    assert machines.stderr.startswith(f"{machine.name} {trouble} since ")
    assert words in machines.stderr
    assert machines.seconds < SSH_TIMEOUT + SLACK
    assert (again.code, again.stdout) == (3, "")
    assert again.stderr.startswith(f"error: {machine.name} cannot be reached ({words}")
    assert f"Unit d.service launched on {legend_of(second)}\n" in placed.stdout
    user.gets("destroy", "d")
    assert invocations(lab) == before


def is_whole_again(lab: Lab, user: User, before: dict[tuple[str, str], str]) -> None:
    """Check that all is as it was, and that nothing is left to do."""
    assert said(user.runs("reconcile")) == QUIET
    assert invocations(lab) == before


@pytest.mark.row("A1")
def test_a_machine_that_loses_every_packet_is_silent_and_keeps_its_units(
    lab3: Lab, user: User
) -> None:
    home = by_id(lab3)[0]
    user.gets("start", "a", "b", "c")
    before = invocations(lab3)

    lab3.partition(home.name)
    stays_without(lab3, user, home, "silent", f"no answer within {SSH_TIMEOUT} s")

    lab3.heal(home.name)
    is_whole_again(lab3, user, before)


@pytest.mark.row("A2")
def test_a_machine_without_sshd_is_told_from_a_silent_one_and_keeps_its_units(
    lab3: Lab, user: User
) -> None:
    home = by_id(lab3)[0]
    user.gets("start", "a", "b", "c")
    before = invocations(lab3)

    systemctl(lab3, home.name, "stop", "ssh.service", "ssh.socket")
    try:
        stays_without(lab3, user, home, "no-sshd", "connection refused: no sshd on port 22")
    finally:
        systemctl(lab3, home.name, "start", "ssh.service")
        lab3.boot(home.name)

    is_whole_again(lab3, user, before)


@pytest.mark.row("A4")
def test_a_machine_whose_answers_are_lost_is_silent_and_keeps_its_units(
    lab3: Lab, user: User
) -> None:
    home = by_id(lab3)[0]
    user.gets("start", "a", "b", "c")
    before = invocations(lab3)

    with without_answers(lab3, home.name):
        stays_without(lab3, user, home, "silent", f"no answer within {SSH_TIMEOUT} s")

    is_whole_again(lab3, user, before)


@pytest.mark.row("A4", "A5")
def test_what_was_begun_when_the_answers_got_lost_is_looked_for_and_not_begun_again(
    lab3: Lab, user: User
) -> None:
    home = by_id(lab3)[0].name
    user.writes("slow.service", SLOW)
    lab3.run(home, "rm", "-f", "/run/starts", "/run/go")
    with user.begins("start", "slow", "--timeout", "60") as process:
        until(
            lambda: systemctl(lab3, home, "is-active", "slow.service") == "activating",
            60,
            "the start to begin",
        )
        with without_answers(lab3, home):
            stdout, stderr = process.communicate(timeout=60 + 2 * SLACK)

    assert (process.returncode, stdout) == (3, "Unit slow.service inactive\n")
    assert stderr.startswith(f"error: {home} cannot be reached (")
    lab3.run(home, "touch", "/run/go")
    until(lambda: shown(lab3, home, "slow.service", "SubState") == "running", 60, "it to run")
    assert said(user.runs("reconcile")) == QUIET
    assert lab3.run(home, "cat", "/run/starts").stdout == b"\n"


@pytest.mark.row("A6")
def test_a_bad_line_makes_commands_slow_and_nothing_else(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0]

    with bad_wire(lab3, home.name, Weather()):
        started = user.runs("start", "a")
        stopped = user.runs("stop", "a")

    assert (started.code, started.stderr) == (0, "")
    assert f"Unit a.service launched on {legend_of(home)}\n" in started.stdout
    assert said(stopped) == (0, f"Unit a.service loaded on {legend_of(home)}\n", "")
    assert said(user.runs("reconcile")) == QUIET


def journal(user: User) -> dict[Path, bytes]:
    """Return the journal of the user, which tells all that was decided."""
    return {path: path.read_bytes() for path in user.folder.rglob("journal*") if path.is_file()}


@pytest.mark.row("A10")
def test_when_all_machines_are_silent_nothing_is_decided_and_nothing_is_done(
    lab3: Lab, user: User
) -> None:
    user.gets("start", "a", "b", "c")
    before, written = invocations(lab3), journal(user)
    for machine in lab3.machines:
        lab3.partition(machine.name)

    ended = [*together(user, ["reconcile"]), *together(user, ["start", "d"])]

    for machine in lab3.machines:
        lab3.heal(machine.name)
    for asked in ended:
        assert (asked.code, asked.stdout) == (75, "")
        assert asked.stderr.startswith("error: none of the 3 machines answers: nothing was done\n")
    assert written
    assert journal(user) == written
    is_whole_again(lab3, user, before)


@pytest.mark.row("A13")
def test_a_machine_that_was_installed_anew_is_refused_with_both_fingerprints(
    lab3: Lab, user: User
) -> None:
    home, second, _ = by_id(lab3)
    user.gets("start", "a", "b", "c")
    before = invocations(lab3)

    with another_host_key(lab3, home.name):
        logins = accepted_logins(lab3, home.name)
        listed = user.runs(*LIST)
        stopped = user.runs("stop", "a")
        placed = user.gets("start", "d")
        assert accepted_logins(lab3, home.name) == logins

    assert troubles(listed)[home.name] == "untrusted"
    assert listed.stderr.startswith(f"{home.name} untrusted since ")
    assert f"the host key of {home.name} is not the one pinned: it shows" in listed.stderr
    assert listed.stderr.count("ssh-ed25519 SHA256:") == 2
    assert (stopped.code, stopped.stdout) == (76, "")
    assert stopped.stderr.count("ssh-ed25519 SHA256:") == 2
    assert f"Unit d.service launched on {legend_of(second)}\n" in placed
    assert invocations(lab3) == before
    assert "a.service" in user.gets("reconcile")  # to stop it was asked and recorded
    assert systemctl(lab3, home.name, "is-active", "a.service") == "inactive"


def accepted_logins(lab: Lab, machine: str) -> int:
    """Count the logins that the sshd of a machine has let in."""
    lines = lab.run(machine, "journalctl", "--unit", "ssh", "--output", "cat").stdout
    return lines.count(b"Accepted publickey")


@pytest.mark.row("A14")
def test_machines_that_changed_addresses_are_both_refused(lab3: Lab, user: User) -> None:
    one, other, third = by_id(lab3)
    user.gets("start", "a", "b", "c")
    before = invocations(lab3)

    with swapped_addresses(lab3, one, other):
        listed = user.runs(*LIST)
        again = user.runs("reconcile")
        placed = user.gets("start", "d")

    assert troubles(listed) == {
        one.name: "untrusted",
        other.name: "untrusted",
        third.name: "-",
    }
    assert (again.code, again.stdout) == (76, "")
    assert f"Unit d.service launched on {legend_of(third)}\n" in placed
    user.gets("destroy", "d")
    is_whole_again(lab3, user, before)


@pytest.mark.row("A15")
def test_a_dead_jump_host_takes_away_only_what_is_behind_it(lab3: Lab, user: User) -> None:
    jump, behind, beside = by_id(lab3)
    text = lab3.inventory.read_text()
    address = f"    address: {behind.address}\n"
    user.writes("known_hosts", f"{jump.address} {jump.host_key}\n")
    user.variables["SSHFLEET_KNOWN_HOSTS_FILE"] = "known_hosts"
    user.writes(
        "mine.yaml", text.replace(address, f"{address}    proxy_jump: core@{jump.address}\n")
    )
    user.variables["SSHFLEET_INVENTORY"] = "mine.yaml"
    user.gets("start", "a", "b", "c")
    before = invocations(lab3)

    lab3.partition(jump.name)
    listed, again = together(user, LIST, ["reconcile"])
    stopped = user.gets("stop", "c")

    assert troubles(listed) == {
        jump.name: "silent",
        behind.name: "unmanageable",
        beside.name: "-",
    }
    assert listed.seconds < 2 * SSH_TIMEOUT + SLACK
    assert "jump host" in listed.stderr
    assert (again.code, again.stdout) == (3, "")
    assert stopped == f"Unit c.service loaded on {legend_of(beside)}\n"
    user.gets("start", "c")
    lab3.heal(jump.name)
    assert said(user.runs("reconcile")) == QUIET
    for unit, machine in (("a", jump.name), ("b", behind.name)):
        assert invocations(lab3)[unit, machine] == before[unit, machine]

"""Rows C of docs/faults.md: machines that answer, but hang, lie, refuse or reboot."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.inflicted import another_systemctl, reboot, reloading
from tests.lab.user import Ended, User, by_id, is_active, systemctl, visiting

pytestmark = pytest.mark.slow

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
COUNTED = """\
[Service]
ExecStart=/bin/sh -c 'echo >>/var/tmp/starts; exec sleep infinity'
"""
STUBBORN = """\
[Service]
ExecStart=/bin/sh -c 'trap "" TERM; cat /proc/uptime >/var/tmp/begun; \\
while :; do cat /proc/uptime >>/var/tmp/alive; sleep 0.1; done'
TimeoutStopSec=4
[X-Fleet]
"""
STOPPING = 4  # seconds
DEADLINE = 30  # seconds that a machine has for a look, and some more to end what is late
SLACK = 30  # seconds that a busy computer may add
LARGE = 400 << 10  # KiB of memory that reading too much may take at most, with the program itself
QUIET = (0, "", "")


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        for name in ("a", "b", "c"):
            someone.writes(f"{name}.service", SLEEP)
        yield someone


@pytest.fixture
def home(lab3: Lab) -> str:
    """Name the machine that the first unit gets."""
    name = by_id(lab3)[0].name
    lab3.run(name, "sh", "-c", "rm -f /var/tmp/starts /var/tmp/begun /var/tmp/alive")
    return name


def said(ended: Ended) -> tuple[int, str, str]:
    return ended.code, ended.stdout, ended.stderr


def ends(lab: Lab, machine: str, words: str) -> None:
    """Wait until no process of a machine has these words in its command line."""

    def gone() -> bool:
        return lab.run(machine, "pgrep", "-fx", words, check=False).stdout == b""

    until(gone, SLACK, f"{words} to end on {machine}")


@pytest.mark.row("C1")
def test_a_command_that_never_returns_is_ended_and_the_other_machines_work_on(
    lab3: Lab, user: User, home: str
) -> None:
    second = by_id(lab3)[1].name
    user.gets("start", "a", "b", "c")
    systemctl(lab3, second, "stop", "b.service")

    with another_systemctl(lab3, home, "exec sleep 1234567"):
        again = user.runs("reconcile")
        ends(lab3, home, "sleep 1234567")

    assert again.code == 3
    assert again.stdout.startswith(f"+ b.service start on {second}: ")
    assert again.stderr.startswith(
        f"error: {home} cannot be reached (the machine did not answer in time"
    )
    assert again.seconds < DEADLINE + SLACK
    assert systemctl(lab3, second, "is-active", "b.service") == "active"
    assert said(user.runs("reconcile")) == QUIET


@pytest.mark.row("C2")
def test_a_machine_that_never_stops_to_talk_fills_no_memory(
    lab3: Lab, user: User, home: str
) -> None:
    user.gets("start", "a")

    with another_systemctl(lab3, home, "exec yes sshfleet"):
        with user.begins("status", "a") as process:
            assert process.stdout
            assert process.stderr
            stdout, stderr = process.stdout.read(), process.stderr.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        ends(lab3, home, "yes sshfleet")

    assert (process.returncode, stdout) == (255, "")
    assert stderr.startswith(f"error: {home} cannot be reached (a command wrote more than ")
    assert used.ru_maxrss < LARGE


@pytest.mark.row("C3")
def test_output_that_is_no_text_keeps_its_exit_code_and_the_terminal_clean(
    lab3: Lab, user: User, home: str
) -> None:
    user.gets("start", "a")

    with another_systemctl(lab3, home, r"printf 'a\377\033[2J\000b\n'; exit 4"):
        status = user.runs("status", "a")
        units = user.runs("list-units", "--fields", "name,active", "--no-legend")

    assert status.code == 4
    assert status.stdout.startswith("a")
    assert status.stdout.endswith("b\n")
    for text in (status.stdout, status.stderr, units.stdout, units.stderr):
        assert text.replace("\n", "").isprintable()
    assert (units.code, units.stdout.split()) == (0, [home, "unknown"])
    assert said(user.runs("reconcile")) == QUIET


@pytest.mark.row("C4")
def test_a_login_shell_that_talks_does_no_harm_and_one_that_refuses_is_told(
    lab3: Lab, user: User, home: str
) -> None:
    noise = r"""printf 'welcome \377\033[2J\n%s\n' "$(seq 200)"; printf 'oh no\n' >&2"""
    files = "/home/core/.bashrc /home/core/.profile /etc/profile.d/noise.sh"
    lab3.run(home, "sh", "-ec", f"cp -a /home/core /home/was; tee {files}", input=noise.encode())
    try:
        user.gets("start", "a")
        lab3.run(home, "usermod", "--shell", "/usr/sbin/nologin", "core")
        refused = user.runs("stop", "a")
    finally:
        back = "rm -r /home/core /etc/profile.d/noise.sh; mv /home/was /home/core"
        lab3.run(home, "sh", "-ec", f"usermod --shell /bin/bash core; {back}")

    assert (refused.code, refused.stdout) == (3, "")
    assert refused.stderr.startswith(
        f"error: {home} cannot be reached ({home} runs no commands for core: "
    )
    assert user.runs("reconcile").code == 0
    assert systemctl(lab3, home, "is-active", "a.service") == "inactive"


@pytest.mark.row("C5")
def test_a_sudo_that_wants_a_password_is_told_at_once_and_nobody_is_asked(
    lab3: Lab, user: User, home: str
) -> None:
    usual = user.runs("start", "b").seconds
    user.gets("destroy", "b")
    lab3.run(home, "sed", "-i", "s/NOPASSWD: //", "/etc/sudoers.d/core")
    try:
        started = user.runs("start", "a")
    finally:
        lab3.run(home, "sed", "-i", "s/(ALL) ALL/(ALL) NOPASSWD: ALL/", "/etc/sudoers.d/core")

    assert started.code == 3
    assert f"{home} cannot be reached (sudo needs a password for core on {home})" in started.stderr
    assert "[sudo]" not in started.stderr
    assert started.seconds < 2 + 3 * usual
    assert user.runs("reconcile").code == 0
    assert systemctl(lab3, home, "is-active", "a.service") == "active"


@pytest.mark.row("C12")
def test_a_unit_that_ignores_sigterm_starts_elsewhere_only_when_it_has_ended(
    lab3: Lab, user: User, home: str
) -> None:
    one, other, _ = by_id(lab3)
    user.writes("deaf.service", STUBBORN + f"MachineID={one.machine_id}\n")
    user.gets("start", "deaf")
    user.writes("deaf.service", STUBBORN + f"MachineID={other.machine_id}\n")
    asked = uptime(lab3, home, "/proc/uptime")

    moved = user.runs("start", "--replace", "deaf")

    assert (moved.code, moved.stderr) == (0, "")
    last_sign, begun = (
        uptime(lab3, home, "/var/tmp/alive"),
        uptime(lab3, other.name, "/var/tmp/begun"),
    )
    assert asked + STOPPING / 2 < last_sign < begun
    assert is_active(lab3, "deaf.service")[other.name] == "active"
    assert systemctl(lab3, home, "is-active", "deaf.service") != "active"


def uptime(lab: Lab, machine: str, path: str) -> float:
    """Read the last whole copy of /proc/uptime; all machines have the clock of this computer."""
    *lines, rest = lab.run(machine, "cat", path).stdout.decode().split("\n")
    assert not rest or lines
    return float(lines[-1].split()[0])


@pytest.mark.row("C14")
def test_reloads_by_somebody_else_do_not_change_what_is_seen(
    lab3: Lab, user: User, home: str
) -> None:
    with reloading(lab3, home):
        for _ in range(2):
            assert "launched" in user.gets("start", "a", "b", "c")
            assert set(user.gets("list-units", "--fields", "active").split()[1:]) == {"active"}
            assert "loaded" in user.gets("stop", "a", "b", "c")
            assert systemctl(lab3, home, "is-active", "a.service") == "inactive"
        assert user.gets("start", "a")
    assert systemctl(lab3, home, "is-active", "a.service") == "active"
    assert said(user.runs("reconcile")) == QUIET


@pytest.mark.row("C17")
def test_a_unit_called_as_one_of_the_operating_system_is_refused(
    lab3: Lab, user: User, home: str
) -> None:
    user.writes("ssh.service", SLEEP)
    before = systemctl(lab3, home, "cat", "ssh.service")

    started = user.runs("start", "ssh")

    assert started.code == 1
    assert started.stderr.count("the name is taken by ") == len(lab3.machines)
    assert "/lib/systemd/system/ssh.service" in started.stderr
    assert user.gets("destroy", "ssh") == "Destroyed ssh.service\n"
    assert systemctl(lab3, home, "cat", "ssh.service") == before
    assert set(is_active(lab3, "ssh.service").values()) == {"active"}


@pytest.mark.row("C22")
@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_machine_that_reboots_after_the_look_runs_the_unit_once(
    lab3: Lab, user: User, home: str, verb: str
) -> None:
    user.writes("once.service", COUNTED)
    if verb == "restart":
        user.gets("start", "once")

    with paused(user, verb, "once") as (process, go_on):
        reboot(lab3, home)
        go_on.touch()
        stdout, stderr = process.communicate(timeout=DEADLINE + 2 * SLACK)

    assert process.returncode in (0, 3), (stdout, stderr)
    assert user.runs("reconcile").code == 0
    assert said(user.runs("reconcile")) == QUIET
    assert systemctl(lab3, home, "is-active", "once.service") == "active"
    # The reboot started it anew already; and a unit that was never there is started once.
    starts = lab3.run(home, "cat", "/var/tmp/starts").stdout.count(b"\n")
    assert starts == {"start": 1, "restart": 2}[verb]


@contextmanager
def paused(user: User, *words: str) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Start a command and let it wait before its first change, until a file exists."""
    go_on = user.folder / "go-on"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.lab.paused", str(go_on), *words],
        cwd=user.folder,
        env=user.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(go_on.with_name("go-on.here").exists, DEADLINE + SLACK, "the command to have planned")
        yield process, go_on

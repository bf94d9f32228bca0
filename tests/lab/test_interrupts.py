"""Ctrl-C and its kin while machines are at work: a calm end, a sound journal, and the way on."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshfleet.cli.signals import CLOSING, ECHO
from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from sshfleet.stop import GRACE
from tests.lab.user import User, by_id, is_active, shown, systemctl, visiting

pytestmark = pytest.mark.slow

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
SLOW = """\
[Service]
ExecStartPre=/bin/sh -c 'until [ -e /run/calm ]; do sleep 0.1; done'
ExecStart=/bin/sleep infinity
"""
GO = "/run/calm"
SLACK = 20  # seconds that a busy computer may add
HINT = "hint: sshfleet reconcile finishes it, or the same command once more"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        for name in ("a", "b", "c"):
            someone.writes(f"{name}.service", SLEEP)
        someone.writes("slow.service", SLOW)
        lab3.run(by_id(lab3)[0].name, "rm", "-f", GO)
        yield someone


@contextmanager
def starting(user: User, lab: Lab, machine: str) -> Iterator["subprocess.Popen[str]"]:
    """Begin to start the slow unit; go on when systemd is at it."""
    with user.begins("start", "slow") as process:
        until(
            lambda: systemctl(lab, machine, "is-active", "slow.service") == "activating",
            60,
            "the start to begin",
        )
        yield process


def test_a_start_that_is_interrupted_says_what_is_unfinished_and_reconcile_finishes_it(
    lab3: Lab, user: User
) -> None:
    home = by_id(lab3)[0].name
    with starting(user, lab3, home) as process:
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        stdout, stderr = process.communicate(timeout=GRACE + CLOSING + SLACK)

    assert time.monotonic() - begun < GRACE + SLACK
    assert (process.returncode, stdout) == (130, "Unit slow.service inactive\n")
    assert stderr.splitlines() == [
        f"stopping: waiting up to {GRACE:g} s for 1 machine; Ctrl-C again ends at once",
        "stopped; unfinished is:",
        f"  slow.service on {home}: goes on there: activating (start-pre)",
        HINT,
    ]
    process_id = shown(lab3, home, "slow.service", "InvocationID")
    lab3.run(home, "touch", GO)
    assert user.runs("reconcile").code == 0
    assert systemctl(lab3, home, "is-active", "slow.service") == "active"
    assert shown(lab3, home, "slow.service", "InvocationID") == process_id


def test_a_machine_that_is_lost_meanwhile_is_given_up_in_time(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0].name
    with starting(user, lab3, home) as process:
        lab3.partition(home)
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        _, stderr = process.communicate(timeout=GRACE + CLOSING + SLACK)

    assert time.monotonic() - begun < GRACE + CLOSING + SLACK
    assert process.returncode == 143
    assert "stopped; unfinished is:" in stderr
    assert f"  slow.service on {home}: not known: " in stderr
    lab3.heal(home)
    lab3.run(home, "touch", GO)
    assert user.runs("reconcile").code == 0
    assert systemctl(lab3, home, "is-active", "slow.service") == "active"


def test_the_second_signal_ends_at_once_and_the_journal_is_sound(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0].name
    with starting(user, lab3, home) as process:
        lab3.partition(home)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert process.stderr.readline().startswith("stopping: ")
        time.sleep(2 * ECHO)  # sooner it would count as the first one
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, stderr = process.communicate(timeout=SLACK)

    assert time.monotonic() - begun < GRACE / 2
    assert (process.returncode, stderr) == (
        130,
        "interrupted at once; the journal is sound, sshfleet reconcile goes on\n",
    )
    lab3.heal(home)
    assert [row["dstate"] for row in user.rows("list-unit-files", "--fields", "unit,dstate")] == [
        "launched"
    ]
    assert user.gets("destroy", "slow") == "Destroyed slow.service\n"


SCRIPT = [
    ("start", "a", "b", "c"),
    ("restart", "b"),
    ("stop", "a"),
    ("reconcile",),
    ("unload", "c"),
]
ENDING = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}


def test_signals_at_any_time_leave_a_sound_journal_and_the_next_run_goes_on(
    lab3: Lab, user: User
) -> None:
    draw = random.Random(int(time.time()))  # noqa: S311 - times, no secrets
    usual = user.runs("start", "a", "b", "c").seconds
    codes = []
    for number in list(ENDING) * 4:
        words = draw.choice(SCRIPT)
        with user.begins(*words) as process:
            seconds = draw.uniform(0, usual)
            time.sleep(seconds)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=GRACE + CLOSING + SLACK)
        told = f"{words}, {number.name} after {seconds:.3f} s: {process.returncode} {stderr}"
        # Before the program listens, while Python starts, the kernel ends it, or Python does.
        early = process.returncode == -number or "Fatal Python error: init" in stderr
        assert early or process.returncode in (0, ENDING[number]), told
        assert early or "Traceback" not in stderr, told
        codes.append(process.returncode)
        assert user.runs("plan").code == 0, told
    assert set(codes) & {130, 143}, "no signal found its command at work"

    assert user.runs("start", "a", "b", "c").code == 0
    assert (user.runs("reconcile").code, user.gets("reconcile")) == (0, "")
    for unit in "abc":
        assert sorted(is_active(lab3, f"{unit}.service").values()) == [
            "active",
            "inactive",
            "inactive",
        ]

"""Verbs that hand on what a machine says: status, journal, ssh."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.user import User, by_id, systemctl, visiting

CHATTY = """\
[Unit]
Description=says %p \\x1b[31mred
[Service]
ExecStart=/bin/sh -c 'printf "hello \\\\033]0;title\\\\007 from %p\\\\n"; exec sleep infinity'
"""


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        someone.writes("chatty.service", CHATTY)
        yield someone


def test_status_is_what_systemctl_says_there_and_so_is_its_code(lab3: Lab, user: User) -> None:
    user.gets("start", "chatty")

    running = user.runs("status", "chatty")
    assert running.code == 0
    assert "Active: active (running)" in running.stdout
    assert "\x1b" not in running.stdout

    user.gets("stop", "chatty")
    stopped = user.runs("status", "chatty")
    assert stopped.code == 3
    assert "Active: inactive (dead)" in stopped.stdout


def test_journal_shows_the_lines_of_the_unit_without_control_characters(
    lab3: Lab, user: User
) -> None:
    user.gets("start", "chatty")

    def has_spoken() -> bool:
        return "from chatty" in user.gets("journal", "chatty")

    until(has_spoken, 30, "its line")
    cat = user.gets("journal", "chatty", "-o", "cat", "-n", "200").splitlines()
    assert {line for line in cat if "hello" in line} == {"hello \\x1b]0;title\\x07 from chatty"}
    assert len(user.gets("journal", "chatty", "--lines", "1").splitlines()) == 1
    wrong = user.runs("journal", "chatty", "-o", "Cat; reboot")
    assert (wrong.code, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: journalctl has no output mode 'Cat; reboot'")
    assert user.runs("journal", "chatty", "-o", "poem").code == 1


def test_journal_of_a_global_unit_names_the_machines(lab3: Lab, user: User) -> None:
    user.writes("chatty.service", CHATTY + "[X-Fleet]\nGlobal=true\n")
    user.gets("start", "chatty")

    def speakers() -> set[str]:
        lines = user.gets("journal", "chatty", "-o", "cat").splitlines()
        return {line.split(" | ")[0] for line in lines if "from chatty" in line}

    until(lambda: speakers() == {each.name for each in lab3.machines}, 30, "all to speak")
    assert user.runs("status", "chatty").stdout.count("Active: active (running)") == 3


def test_journal_follows_until_interrupted_and_leaves_nothing_running(
    lab3: Lab, user: User
) -> None:
    home = by_id(lab3)[0].name
    user.gets("start", "chatty")
    with user.begins("journal", "-f", "chatty") as process:
        assert process.stdout
        while "from chatty" not in process.stdout.readline():
            assert process.poll() is None
        user.gets("restart", "chatty")
        while "from chatty" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode == 130

    def follows() -> bool:
        return lab3.run(home, "pgrep", "-x", "journalctl", check=False).returncode == 0

    until(lambda: not follows(), 30, "journalctl to end")


def test_ssh_passes_on_output_and_exit_code(lab3: Lab, user: User) -> None:
    user.gets("start", "chatty")
    home = by_id(lab3)[0]

    by_unit = user.runs("ssh", "chatty", "hostname; exit 7")
    assert (by_unit.code, by_unit.stdout) == (7, f"{home.name}\n")
    by_name = user.runs("ssh", "core-02", "cat", "/etc/machine-id")
    assert by_name.stdout.strip() == lab3.machines[1].machine_id
    by_id_prefix = user.runs("ssh", "--machine", home.machine_id[:8], "whoami")
    assert (by_id_prefix.code, by_id_prefix.stdout) == (0, "core\n")


def test_what_cannot_be_reached_is_255(lab3: Lab, user: User) -> None:
    user.gets("start", "chatty")
    home = by_id(lab3)[0].name
    lab3.kill(home)

    for words in (["status", "chatty"], ["journal", "chatty"], ["ssh", "chatty", "true"]):
        ended = user.runs("--ssh-timeout", "3", *words)
        assert (ended.code, ended.stdout) == (255, "")
        assert ended.stderr != ""
        assert "Traceback" not in ended.stderr
    lab3.boot(home)
    systemctl(lab3, home, "is-system-running", "--wait")

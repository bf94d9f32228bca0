"""Verbs that hand on what a machine says: status, journal, ssh."""

import json
import signal
import subprocess
import sys
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


@pytest.mark.row("C3")
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
    poem = user.runs("journal", "chatty", "-o", "poem", "--sudo")
    assert (poem.code, poem.stdout) == (1, "")
    assert "poem" in poem.stderr


def test_journal_of_a_global_unit_names_the_machines(lab3: Lab, user: User) -> None:
    user.writes("chatty.service", CHATTY + "[X-Fleet]\nGlobal=true\n")
    user.gets("start", "chatty")

    def speakers() -> set[str]:
        lines = user.gets("journal", "chatty", "-o", "cat").splitlines()
        return {line.split(" | ")[0] for line in lines if "from chatty" in line}

    until(lambda: speakers() == {each.name for each in lab3.machines}, 30, "all to speak")


def test_status_of_a_global_unit_is_headed_by_the_names_of_its_machines(
    lab3: Lab, user: User
) -> None:
    user.writes("chatty.service", CHATTY + "[X-Fleet]\nGlobal=true\n")
    user.writes("other.service", CHATTY)
    user.gets("start", "chatty", "other")
    lab3.kill("core-02")

    status = user.runs("--ssh-timeout", "3", "status", "*")

    names = {each.name for each in lab3.machines}
    lines = status.stdout.splitlines()
    assert [line for line in lines if line in names] == sorted(names)
    assert lines[0] == "core-01"
    assert status.code == 255
    assert status.stderr.startswith("error: core-02 cannot be reached")
    assert status.stdout.count("Active: active (running)") == 2 + (by_id(lab3)[0].name != "core-02")


TICKING = """\
[Service]
ExecStart=/bin/sh -c 'while sleep 0.3; do echo tick; done'
[X-Fleet]
Global=true
"""


def time_of(line: str) -> str:
    """Return the time in a line of --output=short-unix."""
    return line.split(" | ")[1].split()[0]


def test_the_journals_of_a_global_unit_are_merged_by_time(lab3: Lab, user: User) -> None:
    user.writes("ticking.service", TICKING)
    user.gets("start", "ticking")

    def has_ticked() -> bool:
        return user.gets("journal", "ticking", "-n", "500").count("tick") > 30

    until(has_ticked, 60, "three times ten lines")
    user.gets("stop", "ticking")

    lines = user.gets("journal", "ticking", "-n", "8", "-o", "short-unix").splitlines()
    assert len(lines) == 8 * 3
    assert lines == sorted(lines, key=time_of)
    names = [line.split(" | ")[0] for line in lines]
    assert names != sorted(names)

    # What journalctl itself prints in each mode, machine by machine.
    for mode in ("short", "short-precise", "short-iso", "short-unix", "cat", "verbose", "json"):
        merged = user.gets("journal", "ticking", "-n", "8", "-o", mode).splitlines()
        for machine in lab3.machines:
            there = lab3.run(
                machine.name, "env", "LC_ALL=C.UTF-8", "journalctl", "--no-pager", "-u", "ticking",
                "-n", "8", "-o", mode,
            ).stdout.decode().splitlines()  # fmt: skip
            if mode == "json":
                ours = [line for line in merged if machine.machine_id in line]
                assert [json.loads(line) for line in ours] == [json.loads(line) for line in there]
            else:
                start = f"{machine.name} | "
                ours = [line.removeprefix(start) for line in merged if line.startswith(start)]
                assert ours == there


def test_the_journals_of_a_global_unit_are_followed_together(lab3: Lab, user: User) -> None:
    user.writes("ticking.service", TICKING)
    user.gets("start", "ticking")
    with user.begins("journal", "-f", "ticking", "-o", "short-unix") as process:
        assert process.stdout
        seen: list[str] = []
        names = {f"{each.name} |" for each in lab3.machines}
        while not all(sum(name in line for line in seen) > 20 for name in names):
            seen.append(process.stdout.readline())
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    for name in names:
        own = [time_of(line) for line in seen if name in line and "tick" in line]
        assert own == sorted(own)


def test_cat_is_raw_only_where_a_file_takes_it(lab3: Lab, user: User, tmp_path: Path) -> None:
    user.gets("start", "chatty")
    until(lambda: "from chatty" in user.gets("journal", "chatty"), 30, "its line")

    with (tmp_path / "log").open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", "sshfleet", "journal", "chatty", "-o", "cat", "-n", "200"],
            env=user.variables, cwd=user.folder, stdout=file, check=True,
        )  # fmt: skip

    assert b"hello \x1b]0;title\x07 from chatty\n" in (tmp_path / "log").read_bytes()


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
    dashes = user.runs("ssh", "core-02", "--", "echo", "-A", "--timeout", "5")
    assert (dashes.code, dashes.stdout) == (0, "-A --timeout 5\n")


def test_ssh_never_guesses_which_machine_is_meant(lab3: Lab, user: User) -> None:
    user.writes("every.service", CHATTY + "[X-Fleet]\nGlobal=true\n")
    user.gets("start", "every")
    names = [each.name for each in lab3.machines]

    several = user.runs("ssh", "every", "hostname")
    assert (several.code, several.stdout) == (1, "")
    assert f"'every' is on several machines: {', '.join(names)}" in several.stderr
    assert "hint: choose one: sshfleet ssh --machine core-01" in several.stderr
    both = user.runs("ssh", "--machine", "core-01", "--unit", "every", "hostname")
    assert (both.code, both.stdout) == (2, "")

    home, another, _ = by_id(lab3)
    other = another.name
    user.writes(f"{other}.service", CHATTY + f"[X-Fleet]\nMachineID={home.machine_id}\n")
    user.gets("start", other)
    ambiguous = user.runs("ssh", other, "hostname")
    assert (ambiguous.code, ambiguous.stdout) == (1, "")
    assert f"'{other}' is a machine and a unit" in ambiguous.stderr
    assert "hint: use --machine or --unit" in ambiguous.stderr
    assert user.runs("ssh", "--machine", other, "hostname").stdout == f"{other}\n"
    assert user.runs("ssh", "--unit", other, "hostname").stdout == f"{home.name}\n"


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

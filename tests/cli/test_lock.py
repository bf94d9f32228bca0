"""Two real commands on one journal: who comes second is told, or waits; what a command started
does not keep the lock after it."""

import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sshfleet.lab.waiting import until
from tests.cli.agents import add_key, agent_at
from tests.cli.test_wrong_input import UNIT, is_refused
from tests.lab.user import User

INVENTORY = """\
machines:
  mute: {{address: 127.0.0.1, port: {port}}}
  slow: {{address: slow.example}}
"""
SSH_CONFIG = "Host slow.example\n  User core\n"
# Someone's wrapper around ssh, which is asked (`ssh -G`) where machines are. OpenSSH itself closes
# every file that it inherits; this one does not.
SSH = """\
#!/bin/sh
case $* in
*slow.example) echo $$ >child && exec sleep 300 ;;
*) PATH=${PATH#*:} exec ssh "$@" ;;
esac
"""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    """Give a user with a key in an agent, and a machine that accepts connections in silence."""
    agent, path = tmp_path / "agent.socket", f"{tmp_path}/bin:{os.environ['PATH']}"
    with socket.create_server(("127.0.0.1", 0)) as mute, agent_at(agent):
        someone = User(tmp_path, {"SSH_AUTH_SOCK": str(agent), "PATH": path})
        someone.writes("inventory.yaml", INVENTORY.format(port=mute.getsockname()[1]))
        someone.writes("ssh_config", SSH_CONFIG)
        someone.writes("bin/ssh", SSH)
        (tmp_path / "bin/ssh").chmod(0o755)
        someone.writes("web.service", UNIT)
        add_key(tmp_path / "key", someone)
        yield someone


@contextmanager
def at_work(user: User) -> Iterator["subprocess.Popen[str]"]:
    """Let a command hold the journal, with a program running that it has started."""
    words = ("start", "web", "--ssh-timeout", "600", "-F", "ssh_config")
    child = user.folder / "child"
    with user.begins(*words, "--journal", "j/journal.jsonl") as process:
        try:
            until(lambda: child.exists() and child.read_text() != "", 120, "the program to run")
            yield process
        finally:
            process.kill()
            with suppress(ProcessLookupError):
                os.kill(int(child.read_text()), signal.SIGKILL)


def test_who_comes_second_is_told_who_is_at_work_and_how_to_wait(user: User) -> None:
    with at_work(user) as first:
        at_once = user.runs("cordon", "mute", "--journal", "j/journal.jsonl")
        in_vain = user.runs("cordon", "mute", "--journal", "j/journal.jsonl", "--lock-wait", "0.3")

    for second in (at_once, in_vain):
        is_refused(second, 75, "another sshfleet holds the journal")
        assert "hint: wait for its end with --lock-wait SECONDS" in second.stderr
        told = re.search(r"\S+@\S+ \(pid (\d+)\) since (\S+): (.*)", second.stderr)
        assert told
        assert (told[1], told[3].split()[:3]) == (str(first.pid), ["sshfleet", "start", "web"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told[2])


def test_who_waits_gets_in_when_the_other_was_killed_and_is_told_for_whom_once(user: User) -> None:
    ours, theirs = pty.openpty()
    words = ("cordon", "mute", "--journal", "j/journal.jsonl")
    command = user.command(*words)
    variables = {**user.variables, "SSHFLEET_LOCK_WAIT": "600"}
    with at_work(user) as first:
        second = subprocess.Popen(
            command,
            cwd=user.folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)
        with second, os.fdopen(ours, errors="replace") as screen:
            line = screen.readline()
            first.kill()
            assert second.communicate(timeout=120)[0] == "Machine mute cordoned\n"
            with suppress(OSError):  # what Linux says of a terminal that nobody has open any more
                assert screen.readline() == ""
    assert second.returncode == 0
    assert f"(pid {first.pid})" in line
    assert line.rstrip().endswith("; waiting up to 600 s")


def test_a_program_that_a_killed_command_has_started_does_not_hold_the_lock(user: User) -> None:
    with at_work(user) as first:
        child = Path("/proc", (user.folder / "child").read_text().strip())
        first.kill()
        first.wait()
        third = user.runs("cordon", "mute", "--journal", "j/journal.jsonl")
        assert (child / "comm").read_text() == "sleep\n"
    assert (third.code, third.stdout) == (0, "Machine mute cordoned\n")

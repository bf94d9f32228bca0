"""A real full disk, and a real read-only one, under the journal of a real command.

Each is a small file system in a mount namespace of its own, which ends with its process.
"""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from sshfleet.journal.store import read_state
from tests.cli.test_wrong_input import INVENTORY, UNIT
from tests.lab.user import LONGEST, PROJECT, User

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSH_AUTH_SOCK": "", "SSHFLEET_JOURNAL": "j/journal.jsonl"})
    someone.writes("inventory.yaml", INVENTORY)
    for number in range(3):
        text = UNIT.replace("infinity", str(number)) + "# filler\n" * 2000
        someone.writes(f"{number}.service", text)
    (tmp_path / "j").mkdir(mode=0o700)
    (tmp_path / "left").mkdir(mode=0o700)
    return someone


def within(user: User, script: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell script that may mount what it likes; `sshfleet` in it is the program."""
    program = shlex.join(user.command())
    return subprocess.run(
        ["unshare", "--mount", "sh", "-euc", f'sshfleet() {{ {program} "$@"; }}\n{script}'],
        cwd=user.folder,
        env={**user.variables, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def test_a_full_disk_ends_the_command_and_leaves_the_journal_as_it_was(user: User) -> None:
    ended = within(
        user,
        """
        mount -t tmpfs -o size=64k,mode=0700 none j
        sshfleet submit 0.service; sshfleet submit 1.service
        cp -p j/journal.jsonl left/before
        sshfleet submit 2.service || echo "exit $?"
        cp -p j/journal.jsonl left/journal.jsonl
        ls -A j > left/names
        mount -o remount,size=1m j
        sshfleet submit 2.service
        sshfleet list-unit-files --cached --quiet --no-legend --fields unit
        """,
    )
    assert "exit 74" in ended.stdout, ended
    error, hint = ended.stderr.splitlines()
    assert error.startswith("error: j/journal.jsonl: cannot write the journal: No space left")
    assert hint == "hint: the disk is full: free some space and run the command again"
    left = user.folder / "left"
    assert (left / "journal.jsonl").read_bytes() == (left / "before").read_bytes()
    assert (left / "names").read_text().split() == ["journal.jsonl", "journal.jsonl.lock"]
    assert ended.stdout.splitlines()[-3:] == ["0.service", "1.service", "2.service"]


def test_a_disk_that_is_full_from_the_start_leaves_no_journal(user: User) -> None:
    ended = within(
        user,
        """
        mount -t tmpfs -o size=8k,mode=0700 none j
        sshfleet submit 0.service || echo "exit $?"
        ls -A j
        """,
    )
    assert ended.stdout.splitlines() == ["exit 74", "journal.jsonl.lock"], ended
    assert ended.stderr.startswith("error: j/journal.jsonl: cannot write the journal: No space")


def test_a_read_only_file_system_is_told_and_can_still_be_read(user: User) -> None:
    user.gets("submit", "0.service")
    before = read_state(user.folder / "j/journal.jsonl")
    ended = within(
        user,
        """
        mount --bind j j; mount -o remount,ro,bind j
        sshfleet submit 1.service || echo "exit $?"
        sshfleet journal-repair || echo "exit $?"
        sshfleet list-unit-files --cached --quiet --no-legend --fields unit
        """,
    )
    assert ended.stdout.splitlines() == ["exit 74", "exit 74", "0.service"], ended
    for error, hint in zip(*[iter(ended.stderr.splitlines())] * 2, strict=True):
        assert error.startswith("error: j/journal.jsonl.lock: cannot open: Read-only file system")
        assert hint.startswith("hint: the file system is read-only")
    assert read_state(user.folder / "j/journal.jsonl") == before

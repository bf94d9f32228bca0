"""Commands that are interrupted before they reach a machine: real ones, with a journal on disk."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sshfleet.journal.store import read_state
from tests.cli.programs import PATIENCE
from tests.journal.lines import open_journal

INVENTORY = "machines:\n  m1: {address: 192.0.2.1}\n"


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_command_that_waits_for_another_one_ends_at_once(
    tmp_path: Path, number: signal.Signals, code: int, word: str
) -> None:
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    path = tmp_path / "demo" / "journal.jsonl"
    ours, theirs = pty.openpty()
    with open_journal(path):
        words = ["cordon", "m1", "--journal", str(path), "--lock-wait", "600"]
        process = subprocess.Popen(
            [sys.executable, "-m", "sshfleet", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "dumb"},
            stderr=theirs,
        )
        os.close(theirs)
        with process, os.fdopen(ours, buffering=1, errors="replace") as told:
            assert "waiting up to 600 s" in told.readline()
            process.send_signal(number)
            assert told.readline() == f"{word}\n"
            assert process.wait(PATIENCE) == code
    assert read_state(path)[0].cordoned == frozenset()

"""Questions on a terminal, a pipe and a file, and a signal instead of an answer."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.programs import PATIENCE, end, program

ASK = """
from sshfleet.cli.questions import ask
run(ask("Is it?"))
"""


@pytest.mark.parametrize(
    ("typed", "answer"), [("yes\n", True), ("Y\n", True), ("no\n", False), ("\x04", False)]
)
def test_a_question_on_the_terminal_waits_for_its_answer(typed: str, answer: bool) -> None:
    ours, theirs = pty.openpty()
    with program(ASK, stdin=theirs) as process:
        assert process.stderr
        assert process.stderr.read(16) == "Is it? [yes/no] "
        os.write(ours, typed.encode())
        assert end(process) == (0, f"{answer}\n", "" if "\n" in typed else "\n")
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("given", "answers"),
    [("yes\nno\nyes\n", [True, False, True]), ("yes", [True, False, False]), ("", [False] * 3)],
)
@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_a_question_takes_one_line_of_a_pipe_or_a_file(
    tmp_path: Path, given: str, answers: list[bool], kind: str
) -> None:
    file = tmp_path / "answers"
    file.write_text(given)
    text = """
from sshfleet.cli.questions import ask
async def all():
    return [await ask("Is it?") for _ in range(3)]
run(all())
"""
    with file.open() as source:
        with program(text, stdin=source if kind == "file" else subprocess.PIPE) as process:
            out, _ = process.communicate(None if kind == "file" else given, timeout=PATIENCE)
        assert (process.returncode, out) == (0, f"{answers}\n")


def test_a_signal_ends_a_question_that_nobody_answers() -> None:
    ours, theirs = pty.openpty()
    with program("signals.CLOSING = 600\n" + ASK, stdin=theirs) as process:
        assert process.stderr
        assert process.stderr.read(16) == "Is it? [yes/no] "
        process.send_signal(signal.SIGTERM)
        assert end(process) == (143, "interrupted\n", "\n")
    os.close(ours)
    os.close(theirs)

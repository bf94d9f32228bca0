"""What is answered without typer is what typer would have answered."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sshfleet
from sshfleet.cli.app import run

HELP = Path(sshfleet.__file__).parent / "help.txt"
MAKE = "COLUMNS=80 .venv/bin/python -c \"from sshfleet.cli.app import run; run(['--help'])\""


def test_the_short_cut_to_the_help_says_what_typer_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run(["--help"])
    assert capsys.readouterr().out == HELP.read_text(), f"make it anew: {MAKE} >{HELP}"


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_the_root_help_is_printed(words: list[str]) -> None:
    done = _sshfleet(*words)
    assert (done.returncode, done.stdout, done.stderr) == (0, HELP.read_text(), "")


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_the_version_is_printed(words: list[str]) -> None:
    done = _sshfleet(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"sshfleet version {sshfleet.__version__}\n"


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_a_reader_that_went_away_is_no_error_worth_a_word(word: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "sshfleet", word], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""


def _sshfleet(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sshfleet", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)

"""What is answered without typer is what typer would have answered, and nothing starts slowly.

Time itself is not measured but where it goes: what is imported, and processor time beside that of
Python alone, which load does not change much.
"""

import os
import resource
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


NEVER_AT_ONCE = {
    "typer",
    "asyncio",
    "asyncssh",
    "yaml",
    "msgspec",
    "rich",
    "pathlib",
    "dataclasses",
}
OF_ANSWERS_AT_HAND = {
    "asyncio", "asyncssh", "cryptography", "rich", "sshfleet.transport", "sshfleet.plan",
    "sshfleet.systemd", "sshfleet.cli.units", "sshfleet.cli.doctor",
}  # fmt: skip
OF_A_LOOK = {"cryptography.x509", "rich", "sshfleet.plan", "sshfleet.converge", "sshfleet.lab"}


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_is_answered_at_once_imports_next_to_nothing(word: str, tmp_path: Path) -> None:
    assert not _imported(tmp_path, word) & (NEVER_AT_ONCE - _imported_by_python())


def test_a_list_of_what_is_known_imports_nothing_to_reach_machines(tmp_path: Path) -> None:
    imported = _imported(tmp_path, "list-units", "--cached")
    assert "sshfleet.cli.look" in imported
    assert not imported & OF_ANSWERS_AT_HAND
    assert len(imported) < 300


def test_a_look_at_machines_imports_no_planning(tmp_path: Path) -> None:
    imported = _imported(tmp_path, "list-units")
    assert "asyncssh" in imported
    assert not imported & OF_A_LOOK
    assert len(imported) < 600


@pytest.mark.parametrize("asked", ["version", "help", "completion"])
def test_what_is_answered_at_once_takes_hardly_longer_than_python(asked: str) -> None:
    words = [sys.executable, "-m", "sshfleet"]
    environ = dict(os.environ)
    if asked == "completion":
        environ |= {"_SSHFLEET_COMPLETE": "complete_bash", "COMP_WORDS": "sshfleet\nst"}
    else:
        words.append(f"--{asked}")
    ours = min(_processor_time(words, environ) for _ in range(5))
    bare = min(_processor_time([sys.executable, "-c", "pass"], environ) for _ in range(5))
    assert ours < 3 * bare + 0.02


def _processor_time(words: list[str], environ: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, env=environ, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _imported(folder: Path, *words: str) -> set[str]:
    """Return all modules that a command imports, in a folder with an inventory, without keys."""
    (folder / "inventory.yaml").write_text("machines: {core-01: {address: 127.0.0.1}}\n")
    environ = {**os.environ, "SSH_AUTH_SOCK": "", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-P", "-m", "sshfleet", *words],
        cwd=folder, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def _imported_by_python() -> set[str]:
    """Return what Python itself imports here, perhaps for an editable installation."""
    program = "import sys, runpy; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def _sshfleet(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sshfleet", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)

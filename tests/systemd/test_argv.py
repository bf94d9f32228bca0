import subprocess
from pathlib import Path

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.step import Run
from sshfleet.model.unit import UnitName
from sshfleet.systemd.argv import Logs, journal_run, status_run

ODD = UnitName(r"dev-disk\x2dby.mount")


def ran(run: Run, tmp_path: Path, program: str, exit_code: int = 0) -> tuple[list[str], int]:
    """Run a script with a stand-in for its program; return the arguments that one got."""
    stand_in = tmp_path / program
    stand_in.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@"\nexit {exit_code}\n')
    stand_in.chmod(0o755)
    script = f"PATH={tmp_path}:$PATH\n{run.script}"
    done = subprocess.run(["sh", "-uc", script], input=run.data, capture_output=True, check=False)
    return done.stdout.decode().splitlines(), done.returncode


def test_status_names_the_unit_and_passes_the_code_on(tmp_path: Path) -> None:
    run = status_run(ODD)
    assert run.root
    assert ran(run, tmp_path, "systemctl", 3) == (["status", "-l", "--no-pager", "--", ODD], 3)


def test_journal_passes_its_options(tmp_path: Path) -> None:
    run = journal_run(ODD, Logs(lines=25, follow=True, output="json-pretty"))
    assert run.root
    assert ran(run, tmp_path, "journalctl", 1) == (
        ["--no-pager", f"--unit={ODD}", "--lines=25", "--output=json-pretty", "--follow"],
        1,
    )


def test_journal_ends_unless_it_is_to_follow(tmp_path: Path) -> None:
    run = journal_run(UnitName("web.service"), Logs())
    assert run.root
    assert ran(run, tmp_path, "journalctl") == (
        ["--no-pager", "--unit=web.service", "--lines=10", "--output=short"],
        0,
    )


@pytest.mark.parametrize("logs", [Logs(output="short\nx"), Logs(output="-o"), Logs(lines=-1)])
def test_options_that_are_none_do_not_leave(logs: Logs) -> None:
    with pytest.raises(ValueError):
        journal_run(UnitName("web.service"), logs)


def test_a_name_that_is_none_does_not_leave() -> None:
    with pytest.raises(UnitFileError):
        status_run(UnitName("--version"))
    with pytest.raises(UnitFileError):
        journal_run(UnitName("a b.service"), Logs())

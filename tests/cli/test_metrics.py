"""The metrics file: written all at once, whatever came of the run."""

import os
import re
import stat
from pathlib import Path

import pytest

from sshfleet.cli.context import Context
from sshfleet.cli.metrics import measured, replace_file
from sshfleet.cli.reconcile import turn
from sshfleet.cli.settings import Settings
from sshfleet.cli.signals import Interrupted
from sshfleet.errors import InventoryError, JournalBusy, NoUsableKey
from tests.cli.test_service import Stage
from tests.journal.lines import open_journal


def values(file: Path) -> dict[str, str]:
    """Return each sample by its name and labels, `fleet` left out."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    found = dict(line.rsplit(" ", 1) for line in lines)
    return {
        re.sub(r'fleet="[^"]*",?', "", name).replace("{}", ""): value
        for name, value in found.items()
    }


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sshfleet.prom"


def test_a_run_tells_what_it_did_and_the_next_one_that_all_is_well(
    stage: Stage, file: Path
) -> None:
    assert turn(stage.fresh(), file) == 0
    found = values(file)
    assert found['sshfleet_last_run_actions{verb="start",result="done"}'] == "1"
    assert found['sshfleet_units{target="launched",as_wanted="yes"}'] == "1"
    assert found['sshfleet_machines{status="ready"}'] == "2"
    assert 'fleet="test"' in file.read_text()

    assert turn(stage.fresh(), file) == 0
    found = values(file)
    assert found['sshfleet_last_run_actions{verb="start",result="done"}'] == "0"
    assert found["sshfleet_last_run_exit_code"] == "0"


def test_a_silent_machine_is_told_with_when_it_last_answered(stage: Stage, file: Path) -> None:
    turn(stage.fresh(), file)
    home = stage.home().name
    heard = float(values(file)["sshfleet_last_run_timestamp_seconds"])
    stage.transport.away = {home}
    assert turn(stage.fresh(), file) == 3
    found = values(file)
    assert found["sshfleet_last_run_exit_code"] == "3"
    assert found['sshfleet_machines{status="unreachable"}'] == "1"
    assert found['sshfleet_units{target="launched",as_wanted="no"}'] == "1"
    since = float(found[f'sshfleet_machine_silent_since_timestamp_seconds{{machine="{home}"}}'])
    assert abs(since - heard) < 60


def test_a_busy_journal_is_told_with_what_it_holds(stage: Stage, file: Path) -> None:
    with open_journal(stage.path), pytest.raises(JournalBusy):
        turn(stage.fresh(), file)
    found = values(file)
    assert found["sshfleet_last_run_exit_code"] == "75"
    assert found['sshfleet_units{target="launched",as_wanted="unknown"}'] == "1"
    assert found['sshfleet_machines{status="unknown"}'] == "2"


def test_a_missing_key_is_told(stage: Stage, file: Path) -> None:
    stage.keyless = True
    with pytest.raises(NoUsableKey):
        turn(stage.fresh(), file)
    assert values(file)["sshfleet_last_run_exit_code"] == "77"


def test_a_broken_inventory_is_told_and_what_it_would_have_said_is_not(
    stage: Stage, file: Path
) -> None:
    stage.inventory.write_text("machines: [")
    with pytest.raises(InventoryError):
        turn(stage.fresh(), file)
    found = values(file)
    assert found["sshfleet_last_run_exit_code"] == "2"
    assert not [name for name in found if name.startswith("sshfleet_machines")]


@pytest.mark.parametrize(("end", "code"), [(ZeroDivisionError, "70"), (Interrupted, "143")])
def test_a_bug_and_a_signal_are_told(
    file: Path, tmp_path: Path, end: type[BaseException], code: str
) -> None:
    context = Context(Settings(inventory=str(tmp_path / "none"), journal=str(tmp_path / "j/j")))
    context.signals.number = 15 if end is Interrupted else 0

    def run(_context: Context) -> tuple[int, None]:
        raise end

    with pytest.raises(end):
        measured(context, file, run)
    assert values(file)["sshfleet_last_run_exit_code"] == code


def test_the_file_may_be_read_by_all_whatever_the_umask_is_and_nothing_else_is_left(
    tmp_path: Path,
) -> None:
    before = os.umask(0o077)
    try:
        replace_file(tmp_path / "a.prom", b"1")
        replace_file(tmp_path / "a.prom", b"2")
    finally:
        os.umask(before)
    assert [one.name for one in tmp_path.iterdir()] == ["a.prom"]
    assert (tmp_path / "a.prom").read_bytes() == b"2"
    assert stat.S_IMODE((tmp_path / "a.prom").stat().st_mode) == 0o644


def test_a_reader_has_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "a.prom").write_bytes(b"old")
    with (tmp_path / "a.prom").open("rb") as reader:
        replace_file(tmp_path / "a.prom", b"new and longer")
        assert reader.read() == b"old"


def test_what_is_no_file_is_left_alone(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert turn(stage.fresh(), pipe) == 1
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert "error: " + str(pipe) in capsys.readouterr().err


def test_metrics_that_cannot_be_written_are_told_and_the_run_is_done_all_the_same(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turn(stage.fresh(), tmp_path / "none" / "a.prom") == 1
    assert "cannot write the metrics: No such file or directory" in capsys.readouterr().err
    assert stage.home().running() == {"web.service"}


def test_every_name_and_label_is_documented(stage: Stage, file: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/cron.md").read_text()
    turn(stage.fresh(), file)
    stage.transport.away = {stage.home().name}
    turn(stage.fresh(), file)
    told = file.read_text()
    names = set(re.findall(r"^# TYPE (\w+) gauge$", told, re.MULTILINE))
    assert names == set(re.findall(r"^\| `(sshfleet_\w+)`", page, re.MULTILINE))
    for label in set(re.findall(r'(\w+)="', told)):
        assert f"`{label}`" in page

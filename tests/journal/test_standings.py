"""The file beside the journal: kept, damaged, and written by two at once."""

import fcntl
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from sshfleet.journal import standings
from sshfleet.journal.standings import known, noted
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed, Report, Trouble
from sshfleet.model.standing import Standing
from tests.builders import reached, silent
from tests.journal.strategies import START

A, B = MachineName("core-01"), MachineName("core-02")
HERE, AWAY = reached("core-01"), silent("no answer within 10 s")
BOOT = "boot-1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "journal.jsonl"


def note(
    path: Path, seconds: float, reports: Mapping[MachineName, Report], boot: str = BOOT
) -> Mapping[MachineName, Standing]:
    now = START + timedelta(seconds=seconds)
    return noted(path, Observed(reports), now, int(1000 * seconds), boot)


def test_a_silence_is_counted_from_run_to_run_and_machines_not_asked_keep_theirs(
    path: Path,
) -> None:
    assert note(path, 10, {A: HERE, B: AWAY})[B] == Standing(
        trouble=Trouble.SILENT, detail="no answer within 10 s", since=START + timedelta(seconds=10)
    )
    note(path, 40, {A: HERE})
    stood = note(path, 70, {A: HERE, B: AWAY})
    assert (stood[B].looks, stood[B].seconds, stood[A].trouble) == (2, 60.0, None)
    assert known(path, BOOT) == stood
    assert known(path, "boot-2")[B].looks == 0
    assert (path.parent / "standings.json").stat().st_mode & 0o777 == 0o600


def test_a_look_in_which_nobody_answers_counts_for_nobody(path: Path) -> None:
    note(path, 10, {A: HERE, B: AWAY})
    note(path, 70, {A: AWAY, B: AWAY})
    stood = note(path, 80, {A: HERE, B: AWAY})
    assert (stood[B].looks, stood[B].seconds) == (1, 0.0)


def test_nothing_kept_is_nothing_known(path: Path) -> None:
    assert known(path, BOOT) == {}
    assert not path.parent.exists()
    assert note(path, 1, {}) == {}


def test_what_is_damaged_or_of_another_journal_is_nothing(path: Path) -> None:
    note(path, 10, {A: HERE, B: AWAY})
    file = path.parent / "standings.json"
    whole = file.read_bytes()
    for cut in range(0, len(whole), 5):
        file.write_bytes(whole[:cut])
        assert known(path, BOOT) == {}
    for old, new in (
        (b'"version":1', b'"version":2'),
        (b"journal.jsonl", b"other.jsonl"),
        (b'"last":10000', b'"last":9999'),
        (b'"looks":1', b'"looks":-1'),
        (b"silent", b"gone"),
        (b'Z"', b'"'),
    ):
        assert old in whole
        file.write_bytes(whole.replace(old, new))
        assert known(path, BOOT) == {}
        assert note(path, 70, {A: HERE, B: AWAY})[B].looks == 1


def test_what_cannot_be_written_down_removes_what_it_would_have_ended(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(path, 10, {A: HERE, B: AWAY})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("sshfleet.journal.files.write_all", full)
        assert note(path, 40, {A: HERE, B: HERE})[B].trouble is None
    assert note(path, 70, {A: HERE, B: AWAY})[B].seconds == 0.0


def test_a_process_that_stopped_with_the_lock_keeps_nobody_and_its_old_look_does_not_count(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standings, "_PATIENCE", 0.05)
    note(path, 10, {A: HERE, B: AWAY})
    write = standings._write

    def stopped(*words: object, **more: object) -> None:
        monkeypatch.setattr(standings, "_write", write)
        assert note(path, 40, {A: HERE, B: HERE})[B].trouble is None  # another process
        write(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(standings, "_write", stopped)
    note(path, 30, {A: HERE, B: AWAY})
    assert note(path, 70, {A: HERE, B: AWAY})[B].seconds == 0.0


def test_no_lock_is_left_held_and_nothing_staged_is_left(path: Path) -> None:
    note(path, 10, {A: HERE, B: AWAY})
    with (path.parent / "standings.json.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "README",
        "standings.json",
        "standings.json.lock",
    ]


def test_two_processes_never_count_a_silence_across_an_answer(path: Path) -> None:
    note(path, 0, {A: HERE, B: AWAY})
    children = []
    for number in range(6):
        child = os.fork()
        if child == 0:
            report = HERE if number == 3 else AWAY
            for turn in range(20):
                note(path, 1 + turn, {A: HERE, B: report})
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert json.loads((path.parent / "standings.json").read_bytes())["version"] == 1
    assert note(path, 100, {A: HERE, B: AWAY})[B].seconds <= 80.0


def test_a_folder_that_others_may_write_to_is_not_used(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    assert note(path, 10, {A: HERE, B: AWAY})[B].looks == 1
    assert list(path.parent.iterdir()) == []

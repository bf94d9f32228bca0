import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sshfleet.errors import JournalCorrupt, JournalError
from sshfleet.journal.record import Record
from sshfleet.journal.snapshot import WORTHWHILE
from sshfleet.journal.store import Journal, read_history, read_state
from sshfleet.model import event as ev
from sshfleet.model.event import Event
from tests.journal.lines import M1, STORY, WEB, open_journal
from tests.journal.strategies import START

DAY = 24 * 60 * 60
LARGE = "#" * WORTHWHILE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "journal.jsonl"


def ended(number: int) -> list[Event]:
    """One event that can be told from others, and one that makes the journal large."""
    return [ev.ActionEnded(WEB, M1, "start", str(number), "done"), ev.TextStored("0" * 64, LARGE)]


def written(path: Path, rounds: int = 3) -> None:
    """Write a journal that is compacted after each round."""
    for number in range(rounds):
        with open_journal(path) as journal:
            journal.append([*(STORY[1:] if number == 0 else ()), *ended(number)])


def archives(path: Path) -> list[Path]:
    found = path.parent.glob("journal.jsonl.*-*")
    return sorted(found, key=lambda one: int(one.name.split(".")[2].split("-")[0]))


def reasons(records: Iterator[Record]) -> list[str]:
    return [
        record.event.reason
        for record in records
        if isinstance(record.event, ev.ActionEnded) and record.event.reason.isdigit()
    ]


def test_history_has_every_record_once_and_survives_compaction(path: Path) -> None:
    written(path)
    assert len(archives(path)) == 3
    assert path.stat().st_size < 10_000
    with open_journal(path) as journal:
        journal.append(ended(3)[:1])
    assert reasons(read_history(path)) == ["0", "1", "2", "3"]
    seqs = [record.seq for record in read_history(path)]
    snapshots = {10, 13, 16}
    assert seqs == [seq for seq in range(1, 18) if seq not in snapshots]


def test_without_a_journal_there_is_no_history(path: Path) -> None:
    assert list(read_history(path)) == []
    open_journal(path).close()
    assert list(read_history(path)) == []


def test_thousands_of_events_leave_a_small_journal_and_all_of_their_history(path: Path) -> None:
    batch = [ev.ActionEnded(WEB, M1, "start", str(n), "done") for n in range(2000)]
    for _ in range(6):
        with open_journal(path) as journal:
            journal.append(batch)
        assert path.stat().st_size < WORTHWHILE
    assert sum(1 for _ in read_history(path)) == 12_001


def test_archives_whose_last_record_is_too_old_are_removed_at_the_next_compaction(
    path: Path,
) -> None:
    written(path)
    now = START.timestamp()
    for age, archive in zip((91, 89, 0), archives(path), strict=True):
        os.utime(archive, (now, now - age * DAY))
    with open_journal(path) as journal:
        journal.append(ended(3))
    assert reasons(read_history(path)) == ["1", "2", "3"]


@pytest.mark.parametrize(("days", "kept"), [(0, []), (36500, ["0", "1", "2"])])
def test_how_long_history_is_kept_can_be_said(path: Path, days: int, kept: list[str]) -> None:
    keep = timedelta(days=days)
    later = START + timedelta(days=400)  # the archives have today's date, whenever that is
    for number in range(3):
        with Journal.open(path, by="", command="", now=lambda: later, keep=keep) as journal:
            journal.append([*(STORY[1:] if number == 0 else ()), *ended(number)])
        for archive in archives(path):
            os.utime(archive, (START.timestamp(), START.timestamp()))
    with Journal.open(path, by="", command="", now=lambda: later, keep=keep) as journal:
        journal.append(ended(3))
    assert reasons(read_history(path))[:-1] == kept


def test_an_archive_that_was_taken_away_leaves_a_gap_and_no_error(path: Path) -> None:
    written(path)
    archives(path)[1].unlink()
    assert reasons(read_history(path)) == ["0", "2"]


def flipped(data: bytes) -> bytes:
    return data.replace(b'"reason":"1"', b'"reason":"7"')


@pytest.mark.parametrize(
    ("harm", "line"),
    [(flipped, 2), (lambda data: data[:-1], 2), (lambda data: data[: len(data) // 2], 2)],
)
def test_a_damaged_archive_is_told_with_its_line_and_harms_nothing_else(
    path: Path, harm: Callable[[bytes], bytes], line: int
) -> None:
    written(path)
    archive = archives(path)[1]
    archive.write_bytes(harm(archive.read_bytes()))
    told = read_history(path)
    with pytest.raises(JournalCorrupt) as caught:
        assert reasons(told) == []
    assert caught.value.place == f"{archive}:{line}"
    state, notes = read_state(path)
    assert (set(state.units), notes) == ({WEB}, [])
    with open_journal(path) as journal:
        journal.append(ended(3)[:1])


def test_an_older_journal_that_was_restored_contradicts_its_archives(path: Path) -> None:
    written(path, 1)
    old = path.read_bytes()
    for number in (1, 2):
        with open_journal(path) as journal:
            journal.append(ended(number))
    path.write_bytes(old)
    with pytest.raises(JournalCorrupt, match="does not follow") as caught:
        list(read_history(path))
    assert "restored" in caught.value.hint
    for archive in archives(path)[1:]:
        archive.unlink()
    assert reasons(read_history(path)) == ["0"]


def test_two_pasts_are_told_where_they_part(path: Path) -> None:
    written(path, 1)
    old = path.read_bytes()
    with open_journal(path) as journal:
        journal.append(ended(1))
    path.write_bytes(old)
    with open_journal(path) as journal:
        for number in range(5):
            journal.append(ended(number)[:1])
    told = read_history(path)
    with pytest.raises(JournalCorrupt, match="does not follow") as caught:
        assert len(list(told)) == 0
    assert caught.value.place == f"{path}:3"


def test_a_compaction_that_was_cut_off_before_its_end_is_undone_by_the_next_opening(
    path: Path,
) -> None:
    with open_journal(path) as journal:
        journal.append(STORY[1:])
    before = reasons(read_history(path))
    os.link(path, f"{path}.1-7.0123abcd")
    (path.parent / ".journal.jsonl.new").write_bytes(b"half a snaps")
    assert reasons(read_history(path)) == before
    with open_journal(path) as journal:
        journal.append(ended(0)[:1])
    assert archives(path) == []
    assert not (path.parent / ".journal.jsonl.new").exists()
    assert reasons(read_history(path)) == [*before, "0"]


def test_a_compaction_between_two_steps_of_a_reader_costs_it_nothing(path: Path) -> None:
    written(path, 2)
    told = read_history(path)
    seqs = [next(told).seq]
    with open_journal(path) as journal:
        journal.append(ended(2))
    assert len(archives(path)) == 3
    seqs += [record.seq for record in told]
    assert seqs == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15]


def test_a_compaction_just_after_a_reader_has_listed_the_archives_costs_it_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path, 2)
    real = os.listdir
    begun: list[bool] = []

    def listdir(folder: int) -> list[str]:
        names = real(folder)
        if not begun:
            begun.append(True)
            with open_journal(path) as journal:
                journal.append(ended(2))
        return names

    monkeypatch.setattr(os, "listdir", listdir)
    assert reasons(read_history(path)) == ["0", "1", "2"]
    assert len(archives(path)) == 3


def test_a_restored_copy_that_is_compacted_again_keeps_its_archive(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append([*STORY[1:], *ended(0)])
        copy = path.read_bytes()
    assert len(archives(path)) == 1
    path.write_bytes(copy)
    with open_journal(path) as journal:
        assert journal.notes == []
    assert path.stat().st_size < 10_000
    assert reasons(read_history(path)) == ["0"]


def test_a_file_with_the_name_of_an_archive_that_is_none_is_refused(path: Path) -> None:
    written(path, 1)
    (path.parent / "journal.jsonl.3-4.00000000").symlink_to("/dev/zero")
    with pytest.raises(JournalError, match="cannot open"):
        list(read_history(path))


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_journal_that_is_gone_while_its_archives_are_there_is_not_begun_anew(
    path: Path, lose: Callable[[Path], None]
) -> None:
    written(path, 2)
    whole, newest = path.read_bytes(), archives(path)[-1]
    lose(path)
    for look in (read_state, open_journal):
        with pytest.raises(JournalError, match="is gone") as caught:
            look(path)
        assert newest.name in caught.value.message
    path.write_bytes(newest.read_bytes())
    path.chmod(0o600)
    with open_journal(path) as journal:
        assert set(journal.state.units) == {WEB}
    assert reasons(read_history(path)) == ["0", "1"]
    path.write_bytes(whole)
    assert reasons(read_history(path)) == ["0", "1"]

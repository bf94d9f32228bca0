import os
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sshfleet.errors import JournalCorrupt, JournalError
from sshfleet.journal.files import Folder
from sshfleet.journal.snapshot import Snapshot
from sshfleet.journal.wal import Wal
from sshfleet.model import event as ev
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.machine import MachineId, MachineName
from tests.journal.lines import M1, SHA, STORY, TEXT, WEB, Log, lines, read_log
from tests.journal.strategies import STAMP

NAME = "journal.jsonl"
WHOLE = b"".join(lines(STORY))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder.open(tmp_path / "demo", create=True) as opened:
        yield opened


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Let no file of this process grow beyond a size: a write stops half-way, as on a full disk."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def content(folder: Folder) -> bytes:
    return (folder.path / NAME).read_bytes()


def names(folder: Folder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def written(folder: Folder, data: bytes) -> Path:
    folder.stage(NAME, data)
    return folder.path / NAME


def opened(folder: Folder) -> Wal:
    return recovered(folder)[0]


def recovered(folder: Folder) -> tuple[Wal, Log]:
    wal = Wal.open(folder, NAME)
    read = wal.reading()
    log = Log(read)
    wal.recover(read)
    return wal, log


def test_opening_what_is_not_there_makes_no_file(folder: Folder) -> None:
    wal, log = recovered(folder)
    wal.close()
    assert log.records == []
    assert not (folder.path / NAME).exists()
    assert read_log(folder, NAME).records == []


def test_batches_form_one_chain_across_openings(folder: Folder) -> None:
    for start in range(0, len(STORY), 3):
        wal = opened(folder)
        wal.append(STORY[start : start + 2], STAMP)
        wal.append(STORY[start + 2 : start + 3], STAMP)
        wal.close()
    records = read_log(folder, NAME).records
    assert [record.event for record in records] == list(STORY)
    assert [record.first for record in records[:6]] == [1, 1, 3, 4, 4, 6]


def test_an_empty_file_is_a_journal_without_records(folder: Folder) -> None:
    written(folder, b"")
    wal = opened(folder)
    wal.append(STORY, STAMP)
    wal.close()
    assert content(folder) == b"".join(lines(STORY, together=True))


def test_a_torn_tail_is_cut_off_kept_and_written_over(folder: Folder) -> None:
    ends = [len(b"".join(lines(STORY)[:count])) for count in range(len(STORY) + 1)]
    for cut in (ends[3] + 1, ends[3] + 20, ends[4] - 1):
        path = written(folder, WHOLE[:cut])
        wal, log = recovered(folder)
        assert path.read_bytes() == WHOLE[: ends[3]]
        assert (folder.path / f"{NAME}.torn").read_bytes() == log.torn == WHOLE[ends[3] : cut]
        wal.append(STORY[3:4], STAMP)
        wal.append(STORY[4:5], STAMP)
        wal.close()
        assert path.read_bytes() == WHOLE[: ends[5]]


def test_readers_leave_a_torn_tail_where_it_is(folder: Folder) -> None:
    written(folder, WHOLE[:-1])
    log = read_log(folder, NAME)
    assert [record.event for record in log.records] == list(STORY[:-1])
    assert log.torn
    assert content(folder) == WHOLE[:-1]
    assert not (folder.path / f"{NAME}.torn").exists()


def test_damage_is_refused_and_changes_nothing(folder: Folder) -> None:
    damaged = WHOLE.replace(b"fewest", b"FEWEST")
    written(folder, damaged)
    for look in (lambda: recovered(folder), lambda: read_log(folder, NAME)):
        with pytest.raises(JournalCorrupt) as caught:
            look()
        assert caught.value.place == f"{folder.path / NAME}:6"
    assert content(folder) == damaged
    assert names(folder) == ["README", NAME]


@pytest.mark.parametrize("room", [0, 1, 200, 500])
def test_a_write_that_stops_half_way_is_cut_back_and_ends_all_writing(
    folder: Folder, limited: Callable[[int], None], room: int
) -> None:
    written(folder, b"".join(lines(STORY[:4])))
    before = content(folder)
    wal = opened(folder)
    limited(len(before) + room)
    with pytest.raises(JournalError, match="cannot write the journal") as caught:
        wal.append(STORY[4:], STAMP)
    assert caught.value.exit_code == 74
    assert "ulimit" in caught.value.hint
    assert content(folder) == before
    limited(resource.RLIM_INFINITY)
    with pytest.raises(JournalError, match="nothing more is written"):
        wal.append(STORY[4:], STAMP)
    assert content(folder) == before
    wal.close()


def test_a_first_write_that_fails_leaves_nothing(
    folder: Folder, limited: Callable[[int], None]
) -> None:
    wal = opened(folder)
    limited(100)
    with pytest.raises(JournalError):
        wal.append(STORY, STAMP)
    limited(resource.RLIM_INFINITY)
    wal.close()
    assert names(folder) == ["README"]
    assert read_log(folder, NAME).records == []


class FailingDisk:
    """An fsync that fails, and counts how often it was asked."""

    def __init__(self, problem: BaseException) -> None:
        self.problem, self.asked = problem, 0

    def __call__(self, fd: int) -> None:
        self.asked += 1
        raise self.problem


@pytest.mark.parametrize("problem", [OSError(5, "I/O error"), KeyboardInterrupt()])
def test_an_fsync_that_fails_is_never_tried_again(
    folder: Folder, problem: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, b"".join(lines(STORY[:4])))
    before = content(folder)
    wal = opened(folder)
    disk = FailingDisk(problem)
    monkeypatch.setattr(os, "fsync", disk)
    expected = JournalError if isinstance(problem, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        wal.append(STORY[4:5], STAMP)
    assert getattr(caught.value, "hint", "dmesg").startswith(("the disk reports errors", "dmesg"))
    for _ in range(3):
        with pytest.raises(JournalError, match="nothing more is written"):
            wal.append(STORY[4:5], STAMP)
    assert disk.asked == 1
    assert content(folder) == before
    wal.close()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_fsync_that_fails_while_compacting_ends_the_writing_and_loses_nothing(
    folder: Folder, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal, snapshot = grown(folder)
    asked = 0

    def fsync(fd: int) -> None:
        nonlocal asked
        asked += 1
        if asked == number:
            raise OSError(5, "I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises((OSError, JournalError)):
            wal.compact(snapshot, STAMP)
    assert asked == number
    wal.close()
    wal, log = recovered(folder)
    wal.append(STORY[4:], STAMP)
    wal.close()
    assert len([*log.records, *STORY[4:]]) == len(read_log(folder, NAME).records)


def test_a_closed_journal_takes_nothing(folder: Folder) -> None:
    wal = opened(folder)
    wal.close()
    wal.close()
    with pytest.raises(JournalError, match="it is closed"):
        wal.append(STORY, STAMP)
    assert not (folder.path / NAME).exists()


def test_a_journal_that_somebody_else_wrote_to_is_left_alone(folder: Folder) -> None:
    path = written(folder, WHOLE)
    wal = opened(folder)
    with path.open("ab") as other:
        other.write(b"something\n")
    for _ in range(2):
        with pytest.raises(JournalError, match="replaced or changed"):
            wal.append(STORY[4:5], STAMP)
    assert content(folder) == WHOLE + b"something\n"
    wal.close()


def test_a_journal_that_was_restored_meanwhile_is_left_alone(folder: Folder) -> None:
    path = written(folder, WHOLE)
    wal = opened(folder)
    shutil.copy(path, folder.path / "backup")
    (folder.path / "backup").rename(path)
    with pytest.raises(JournalError, match="replaced or changed"):
        wal.append(STORY[4:5], STAMP)
    assert content(folder) == WHOLE
    wal.close()


def test_text_that_cannot_be_written_costs_nothing(folder: Folder) -> None:
    written(folder, WHOLE)
    wal = opened(folder)
    with pytest.raises(JournalError, match="MachineSeen cannot be written"):
        wal.append([STORY[1], ev.MachineSeen(M1, MachineName("core-01"), "\udcff")], STAMP)
    assert content(folder) == WHOLE
    wal.append([ev.UnitRemoved(WEB, M1)], STAMP)
    wal.close()
    assert len(read_log(folder, NAME).records) == len(STORY) + 1


def grown(folder: Folder) -> tuple[Wal, Snapshot]:
    """Make a journal of 5 MiB that comes down to little, and its snapshot."""
    wal = opened(folder)
    wal.append(STORY, STAMP)
    padding = "#" * 500_000 + "\n"
    wal.append([ev.TextStored(f"{n:064x}", padding) for n in range(10)], STAMP)
    return wal, Snapshot(fold(DesiredState(), STORY))


def test_a_large_journal_becomes_its_snapshot_and_goes_on(folder: Folder) -> None:
    wal, snapshot = grown(folder)
    last = read_log(folder, NAME).records[-1]
    assert wal.worth_compacting()
    wal.compact(snapshot, STAMP)
    assert not wal.worth_compacting()
    wal.append(STORY[4:], STAMP)
    assert not wal.worth_compacting()
    wal.close()
    records = read_log(folder, NAME).records
    assert [record.event for record in records] == [snapshot, *STORY[4:]]
    assert (records[0].seq, records[0].prev) == (last.seq + 1, last.sum)
    assert len(content(folder)) < 10_000
    assert names(folder) == ["README", NAME, f"{NAME}.1-{last.seq}.{last.sum[:8]}"]
    assert (folder.path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_snapshot_there_is_no_room_for_leaves_the_journal_as_it_was(
    folder: Folder, limited: Callable[[int], None]
) -> None:
    wal, snapshot = grown(folder)
    before = content(folder)
    limited(100)
    with pytest.raises(OSError, match="too large"):
        wal.compact(snapshot, STAMP)
    limited(resource.RLIM_INFINITY)
    assert content(folder) == before
    assert names(folder) == ["README", NAME]
    wal.append(STORY[4:], STAMP)
    wal.close()
    assert read_log(folder, NAME).records[-1].event == STORY[-1]


def test_what_a_killed_compaction_left_is_written_over(folder: Folder) -> None:
    wal, snapshot = grown(folder)
    (folder.path / f".{NAME}.new").write_bytes(b"half a snap")
    wal.compact(snapshot, STAMP)
    wal.close()
    assert read_log(folder, NAME).records[0].event == snapshot


def test_a_text_is_kept_byte_for_byte(folder: Folder) -> None:
    text = TEXT + "# é \u2028 \x7f \x1b[31m \r\n\ttab\x00"
    wal = opened(folder)
    wal.append([ev.TextStored(SHA, text)], STAMP)
    wal.close()
    assert read_log(folder, NAME).records[0].event == ev.TextStored(SHA, text)
    assert content(folder).count(b"\n") == 1
    assert b"\x1b" not in content(folder)


def test_placing_on_many_machines_is_one_write_in_order(folder: Folder) -> None:
    placed = [ev.UnitPlaced(WEB, MachineId(f"{n:032x}"), n, "new") for n in range(2000)]
    wal = opened(folder)
    wal.append(placed, STAMP)
    wal.close()
    assert [record.event for record in read_log(folder, NAME).records] == placed

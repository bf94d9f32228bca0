import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sshfleet.errors import JournalError, TryLater
from sshfleet.journal.lock import Holder
from sshfleet.journal.repair import Damage, Examined, Repair
from sshfleet.journal.store import read_history, read_state
from sshfleet.model import event as ev
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event
from tests.journal.lines import M1, STORY, WEB, lines, open_journal
from tests.journal.strategies import START
from tests.journal.test_history import written as compacted

HOLDER = Holder(pid=1, by="core@laptop", cmd="sshfleet journal-repair", since="now")
LINES = lines(STORY)
WHOLE = b"".join(LINES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "journal.jsonl"


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(0o700)
    path.write_bytes(data)
    path.chmod(0o600)


@contextmanager
def repairing(path: Path) -> Iterator[Repair]:
    with Repair.opened(path, HOLDER) as repair:
        yield repair


def examined(path: Path) -> Examined:
    with repairing(path) as repair:
        return repair.found


def names(path: Path) -> list[str]:
    return sorted(below.name for below in path.parent.iterdir())


def flipped(line: int) -> bytes:
    return b"".join(
        [*LINES[: line - 1], LINES[line - 1].replace(b"start", b"tarts", 1), *LINES[line:]]
    )


def test_a_sound_journal_is_told_and_left_alone(path: Path) -> None:
    put(path, WHOLE + b"torn")
    found = examined(path)
    assert (found.damage, found.records, found.torn) == (None, len(STORY), 4)
    assert path.read_bytes() == WHOLE + b"torn"
    assert names(path) == ["journal.jsonl", "journal.jsonl.lock"]


@pytest.mark.parametrize("line", range(1, len(LINES)))
def test_a_journal_is_cut_before_its_first_bad_line_and_the_broken_file_is_kept(
    path: Path, line: int
) -> None:
    broken = flipped(line)
    put(path, broken)
    lost = b"".join(LINES[line - 1 :])
    with repairing(path) as repair:
        assert repair.found.damage == Damage(
            line=line,
            problem="this record is damaged",
            lost_lines=len(LINES) - line + 1,
            lost_bytes=len(lost),
        )
        assert repair.found.state == fold(DesiredState(), STORY[: line - 1])
        assert path.read_bytes() == broken
        kept = repair.cut(START)
    assert kept == f"{path}.damaged-20261123T080006Z"
    assert Path(kept).read_bytes() == broken
    assert path.read_bytes() == b"".join(LINES[: line - 1])
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_state(path) == (repair.found.state, [])
    with open_journal(path) as journal:
        journal.append([ev.MachineSeen(M1, STORY[1].name, "10.0.0.2")])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"".join(LINES[:3] + LINES[4:]), 4),
        (b"".join([*LINES, LINES[-1]]), len(LINES) + 1),
        (b"".join(LINES[1:]), 1),
        (b"".join(lines([*STORY[:2], ev.UnitRemoved(WEB, M1), *STORY[2:]])), 3),
        (flipped(5) + b"torn", 5),
    ],
)
def test_every_kind_of_damage_is_found_and_cut(path: Path, data: bytes, line: int) -> None:
    put(path, data)
    with repairing(path) as repair:
        damage = repair.found.damage
        assert damage
        assert damage.line == line
        repair.cut(START)
    assert path.read_bytes() == b"".join(data.splitlines(keepends=True)[: line - 1])
    assert examined(path).damage is None


def test_a_broken_file_that_was_kept_before_is_never_written_over(path: Path) -> None:
    put(path, flipped(3))
    kept = []
    for _ in range(3):
        path.write_bytes(flipped(3))
        with repairing(path) as repair:
            kept.append(repair.cut(START + timedelta(milliseconds=1)))
    assert len(set(kept)) == 3
    assert {Path(one).read_bytes() for one in kept} == {flipped(3)}


def test_what_a_compaction_that_was_cut_off_left_does_not_pass_for_an_archive(path: Path) -> None:
    put(path, flipped(3))
    os.link(path, f"{path}.1-7.0123abcd")
    with repairing(path) as repair:
        repair.cut(START)
    assert [record.event for record in read_history(path)] == list(STORY[:2])


def test_history_goes_on_after_a_repair(path: Path) -> None:
    compacted(path, 2)
    more: list[Event] = [ev.ActionEnded(WEB, M1, "stop", str(n), "done") for n in range(4)]
    with open_journal(path) as journal:
        for one in more:
            journal.append([one])
    before = [record.seq for record in read_history(path)]
    path.write_bytes(path.read_bytes().replace(b'"reason":"2"', b'"reason":"9"'))
    with repairing(path) as repair:
        assert repair.found.archive.startswith(f"{path}.10-12.")
        repair.cut(START)
    with open_journal(path) as journal:
        journal.append(more[2:])
    assert [record.seq for record in read_history(path)] == before


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello\n", "not a journal"),
        (WHOLE.replace(b'"v":1', b'"v":2'), "damaged"),
    ],
)
def test_what_is_no_journal_is_refused(path: Path, data: bytes, words: str) -> None:
    put(path, data)
    if words == "damaged":
        assert examined(path).damage
        return
    with pytest.raises(JournalError, match=words):
        examined(path)
    assert path.read_bytes() == data


def test_a_journal_that_is_not_there_is_not_made(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        examined(path)
    assert not path.parent.exists()
    path.parent.mkdir(0o700)
    with pytest.raises(JournalError, match="there is no journal"):
        examined(path)
    assert not path.exists()


def test_a_journal_that_another_holds_is_not_repaired(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(STORY[1:])
        with pytest.raises(TryLater):
            examined(path)
    assert examined(path).damage is None

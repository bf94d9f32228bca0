import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from sshfleet.errors import JournalCorrupt, JournalError, TryLater
from sshfleet.journal.snapshot import Snapshot, essential
from sshfleet.journal.store import read_history, read_state
from sshfleet.model import event as ev
from sshfleet.model.desired import CannotFold, DesiredState, fold
from sshfleet.model.event import Event, TargetState
from sshfleet.model.unit import UnitName
from tests.journal.lines import M1, SHA, STORY, WEB, lines, open_journal, scan
from tests.journal.strategies import START, runs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "journal.jsonl"


def names(path: Path) -> list[str]:
    return sorted(below.name for below in path.parent.iterdir())


def test_opening_a_new_journal_makes_nothing_but_its_folder_and_lock(path: Path) -> None:
    with open_journal(path) as journal:
        assert journal.state == DesiredState()
        assert journal.notes == []
        journal.append([])
    assert names(path) == ["README", "journal.jsonl.lock"]


def test_the_first_append_gives_the_journal_a_lineage(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(STORY[1:])
        state = journal.state
    assert len(state.lineage) == 32
    assert state == fold(DesiredState(lineage=state.lineage), STORY[1:])
    with open_journal(path) as journal:
        journal.append([ev.TargetSet(WEB, TargetState.LOADED)])
        assert journal.state.lineage == state.lineage
    types = [type(record.event) for record in read_history(path)]
    assert types.count(ev.JournalStarted) == 1
    assert types[0] is ev.JournalStarted


def test_two_journals_have_two_lineages(tmp_path: Path) -> None:
    lineages = set()
    for name in ("a", "b"):
        with open_journal(tmp_path / name / "journal.jsonl") as journal:
            journal.append(STORY[1:2])
            lineages.add(journal.state.lineage)
    assert len(lineages) == 2


def test_what_was_appended_is_on_disk_before_the_state_shows_it(path: Path) -> None:
    with open_journal(path) as journal:
        for event in STORY[1:]:
            journal.append([event])
            assert read_state(path) == (journal.state, [])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs)
def test_state_is_the_fold_of_what_is_on_disk(tmp_path: Path, events: list[Event]) -> None:
    path = tmp_path / str(len(list(tmp_path.iterdir()))) / "journal.jsonl"
    with open_journal(path) as journal:
        for start in range(0, len(events), 5):
            journal.append(events[start : start + 5])
        state = journal.state
    assert read_state(path) == (state, [])
    with open_journal(path) as journal:
        assert journal.state == state


def test_an_event_that_cannot_be_folded_never_reaches_the_file(path: Path) -> None:
    ghost = ev.RestartAsked(UnitName("ghost.service"), {})
    with open_journal(path) as journal:
        with pytest.raises(CannotFold):
            journal.append([ghost])
        assert not path.exists()
        journal.append(STORY[1:])
        state, before = journal.state, path.read_bytes()
        with pytest.raises(CannotFold):
            journal.append([ev.TargetSet(WEB, TargetState.LOADED), ghost])
        assert journal.state is state
        assert path.read_bytes() == before
        journal.append([ev.TargetSet(WEB, TargetState.LOADED)])
    assert read_state(path)[0].units[WEB].target is TargetState.LOADED


def test_an_append_that_fails_leaves_the_state_as_it_was(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(STORY[1:])
        state = journal.state
        with path.open("ab") as other:
            other.write(b"x")
        with pytest.raises(JournalError):
            journal.append([ev.TargetSet(WEB, TargetState.LOADED)])
        assert journal.state is state


def test_a_closed_journal_takes_nothing(path: Path) -> None:
    journal = open_journal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="it is closed"):
        journal.append(STORY[1:])


def test_only_one_at_a_time_may_write_and_anybody_may_read(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(STORY[1:])
        with pytest.raises(TryLater, match="core@laptop"):
            open_journal(path, "sshfleet cat web.service")
        assert read_state(path)[0] == journal.state
    open_journal(path).close()


def test_an_opening_that_fails_lets_go_of_the_lock(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(STORY[1:])
    good = path.read_bytes()
    path.write_bytes(good.replace(b"fewest", b"FEWEST"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(JournalCorrupt):
        open_journal(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    path.write_bytes(good)
    open_journal(path).close()


def test_a_torn_tail_is_cut_with_a_note(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(STORY[1:-1])
        journal.append(STORY[-1:])
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    state, [note] = read_state(path)
    assert "line 7" in note
    assert path.read_bytes() == whole[:-5]
    with open_journal(path) as journal:
        assert journal.state == state
        [note] = journal.notes
        assert "line 7" in note
        assert f"{path}.torn" in note
    with open_journal(path) as journal:
        assert journal.notes == []


def test_a_record_that_makes_no_sense_is_damage_with_its_line(path: Path) -> None:
    path.parent.mkdir(0o700)
    story: list[Event] = [*STORY[:2], ev.UnitRemoved(WEB, M1), *STORY[2:]]
    path.write_bytes(b"".join(lines(story)))
    path.chmod(0o600)
    for look in (read_state, open_journal):
        with pytest.raises(JournalCorrupt, match="is not known") as caught:
            look(path)
        assert caught.value.place == f"{path}:3"


def test_a_missing_journal_is_an_empty_state_and_stays_missing(path: Path) -> None:
    assert read_state(path) == (DesiredState(), [])
    assert list(read_history(path)) == []
    assert not path.parent.exists()


@pytest.mark.parametrize("odd", ["/", "..", "."])
def test_a_path_without_a_file_name_is_refused(odd: str) -> None:
    for look in (read_state, open_journal):
        with pytest.raises(JournalError, match="folder"):
            look(Path(odd))


def test_records_say_when_by_whom_and_why(path: Path) -> None:
    with open_journal(path, "sshfleet start web.service") as journal:
        journal.append(STORY[1:3])
    with open_journal(path, "sshfleet load web.service") as journal:
        journal.append(STORY[3:4])
    records = list(read_history(path))
    assert [record.seq for record in records] == [1, 2, 3, 4]
    assert {(record.at, record.by) for record in records} == {(START, "core@laptop")}
    assert [record.cmd.split()[1] for record in records] == ["start", "start", "start", "load"]
    assert records[-1].event == STORY[3]


def test_a_large_journal_is_compacted_at_the_next_opening(path: Path) -> None:
    unused = [ev.TextStored(f"{n:064x}", "#" * 500_000) for n in range(10)]
    with open_journal(path) as journal:
        journal.append([*STORY[1:], *unused])
        state = journal.state
        assert set(state.texts) == {SHA, *(text.sha256 for text in unused)}
    with open_journal(path) as journal:
        assert journal.notes == []
        assert journal.state == essential(state)
        assert path.stat().st_size < 10_000
        with pytest.raises(CannotFold):
            journal.append([ev.UnitSubmitted(WEB, unused[0].sha256)])
        journal.append([ev.UnitRemoved(WEB, M1)])
        state = journal.state
    assert read_state(path) == (state, [])
    first, second = scan(path.read_bytes(), path).records
    assert isinstance(first.event, Snapshot)
    assert list(read_history(path))[-1] == second
    assert second.seq == first.seq + 1 == len(STORY) + len(unused) + 2


def test_a_journal_beside_another_has_a_lock_of_its_own(tmp_path: Path) -> None:
    with open_journal(tmp_path / "a.jsonl") as a, open_journal(tmp_path / "b.jsonl") as b:
        a.append(STORY[1:2])
        b.append(STORY[1:2])
    assert {"a.jsonl", "a.jsonl.lock", "b.jsonl", "b.jsonl.lock"} <= set(names(tmp_path / "a"))


def test_two_at_once_after_the_lock_file_was_deleted_do_not_both_write(path: Path) -> None:
    with open_journal(path) as first:
        first.append(STORY[1:])
        (path.parent / "journal.jsonl.lock").unlink()
        with open_journal(path) as second:
            first.append([ev.TargetSet(WEB, TargetState.LOADED)])
            with pytest.raises(JournalError, match="replaced or changed"):
                second.append([ev.TargetSet(WEB, TargetState.INACTIVE)])
        assert read_state(path) == (first.state, [])


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from sshfleet.model import event as ev
from tests.journal.lines import M1, STORY, WEB, open_journal
with open_journal(Path(sys.argv[1])) as journal:
    journal.append(STORY[1:])
    generation = 1
    while True:
        batch = [ev.UnitPlaced(WEB, M1, generation + n, "again") for n in range(1, 4)]
        journal.append(batch)
        generation += 3
        print(generation, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 20])
def test_kill_9_loses_nothing_that_was_acknowledged(path: Path, acknowledged: int) -> None:
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for _ in range(acknowledged):
            generation = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
    generation = int(rest[-1]) if rest else generation
    with open_journal(path) as journal:
        assert generation <= journal.state.generation <= generation + 3
        journal.append([ev.UnitRemoved(WEB, M1)])
        assert read_state(path) == (journal.state, [])


def test_the_holder_of_the_lock_is_named_in_its_file(path: Path) -> None:
    with open_journal(path, "sshfleet reconcile"):
        words = json.loads((path.parent / "journal.jsonl.lock").read_text())
    assert words == {
        "pid": os.getpid(),
        "by": "core@laptop",
        "cmd": "sshfleet reconcile",
        "since": "2026-11-23T08:00:06.123Z",
    }

"""Every state a power cut can leave is opened with the real code: nothing acknowledged is lost."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sshfleet.journal import snapshot
from sshfleet.journal.lock import Holder
from sshfleet.journal.repair import Repair
from sshfleet.journal.snapshot import essential
from sshfleet.journal.store import Journal, read_history, read_state
from sshfleet.model import event as ev
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event
from sshfleet.model.machine import MachineId, MachineName
from tests.journal.disk import Disk, Look, looks_after_power_cuts
from tests.journal.lines import M1, STORY, WEB, lines, open_journal
from tests.journal.strategies import START

NAME = "journal.jsonl"
LINES = lines(STORY)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder in memory where there is one: thousands of states are written to it."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compact journals early, so that a state is small and can be tried in many ways."""
    monkeypatch.setattr(snapshot, "WORTHWHILE", 3000)


def seen(number: int) -> Event:
    """Make an event that shows in the state."""
    return ev.MachineSeen(MachineId(f"{number:032x}"), MachineName(f"core-{number}"), "10.0.0.1")


@dataclass
class Scenario:
    """What was appended so far, and the disk that saw it."""

    disk: Disk
    events: list[Event] = field(default_factory=list)

    def append(self, journal: Journal, *events: Event) -> None:
        before = journal.state.lineage
        self.events += events
        journal.append(events)
        if not before:
            self.events.insert(0, ev.JournalStarted(journal.state.lineage))
        self.disk.acknowledge(len(self.events))

    def opens(self) -> Journal:
        return open_journal(self.disk.folder / NAME)


def put(look: Look, into: Path) -> Path:
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(mode=0o700)
    first: dict[int, str] = {}
    for name, (file, content) in look.files.items():
        if file in first:
            os.link(into / first[file], into / name)
        else:
            first[file] = name
            (into / name).write_bytes(content)
            (into / name).chmod(0o600)
    return into / NAME


def recovers(look: Look, into: Path, events: list[Event], more: Event) -> None:
    """Check that what is left is a beginning of the events, with all that was acknowledged."""
    path = put(look, into)
    state, _ = read_state(path)
    told = [record.event for record in read_history(path)]
    assert told == events[: len(told)]
    assert len(told) >= look.events
    assert essential(state) == essential(fold(DesiredState(), events[: len(told)]))
    with open_journal(path) as journal:
        assert essential(journal.state) == essential(state)
        journal.append([more])
        after = journal.state
    assert read_state(path)[0] == after
    assert more in [record.event for record in read_history(path)]


def all_recover(scenario: Scenario, into: Path) -> int:
    """Try every look; return how many there were."""
    looks = looks_after_power_cuts(scenario.disk)
    for look in looks:
        recovers(look, into, scenario.events, seen(999))
    return len(looks)


def test_every_power_cut_while_a_journal_is_begun_and_gone_on_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir(mode=0o700)
    scenario = Scenario(Disk(folder / "a"))
    with scenario.disk.recording(monkeypatch):
        with scenario.opens() as journal:
            scenario.append(journal, seen(1))
            scenario.append(journal, *STORY[1:])
            scenario.append(journal, seen(2))
        with scenario.opens() as journal:
            scenario.append(journal, seen(3), seen(4))
    tried = all_recover(scenario, folder / "b")
    print(f"{tried} states")  # noqa: T201 - shown by pytest -rP
    assert tried > 500


def test_every_power_cut_while_a_torn_end_is_cut_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir(mode=0o700)
    (folder / "a" / NAME).write_bytes(b"".join(LINES[:4]) + LINES[4][:100])
    (folder / "a" / NAME).chmod(0o600)
    scenario = Scenario(Disk(folder / "a"), list(STORY[:4]))
    scenario.disk.acknowledge(4)
    with scenario.disk.recording(monkeypatch), scenario.opens() as journal:
        assert journal.notes
        scenario.append(journal, seen(1))
        scenario.append(journal, seen(2))
    tried = all_recover(scenario, folder / "b")
    assert tried > 100


def test_every_power_cut_after_a_command_was_killed_and_another_relied_on_what_it_wrote(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir(mode=0o700)
    (folder / "a" / NAME).write_bytes(b"".join(LINES[:5]))
    (folder / "a" / NAME).chmod(0o600)
    scenario = Scenario(Disk(folder / "a"), list(STORY[:5]))
    scenario.disk.was_killed(NAME, len(b"".join(LINES[:3])))
    with scenario.disk.recording(monkeypatch), scenario.opens() as journal:
        assert set(journal.state.units) == {WEB}
        scenario.disk.acknowledge(5)
        scenario.append(journal, seen(1))
    tried = all_recover(scenario, folder / "b")
    assert tried > 100


def test_every_power_cut_while_a_journal_is_compacted_again_and_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir(mode=0o700)
    scenario = Scenario(Disk(folder / "a"))
    rounds = 2
    with scenario.disk.recording(monkeypatch):
        for number in range(rounds):
            with scenario.opens() as journal:
                scenario.append(journal, *(STORY[1:] if number == 0 else ()), seen(number))
                scenario.append(
                    journal, *(ev.ActionEnded(WEB, M1, "stop", str(n), "done") for n in range(8))
                )
        with scenario.opens() as journal:
            scenario.append(journal, seen(rounds))
    assert len(list((folder / "a").glob(f"{NAME}.*-*"))) == rounds
    tried = all_recover(scenario, folder / "b")
    print(f"{tried} states")  # noqa: T201 - shown by pytest -rP
    assert tried > 500


def test_every_power_cut_while_a_damaged_journal_is_repaired(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir(mode=0o700)
    broken = b"".join(LINES).replace(b"fewest", b"FEWEST")
    (folder / "a" / NAME).write_bytes(broken)
    (folder / "a" / NAME).chmod(0o600)
    disk = Disk(folder / "a")
    holder = Holder(pid=1, by="", cmd="", since="")
    with disk.recording(monkeypatch), Repair.opened(folder / "a" / NAME, holder) as repair:
        kept = Path(repair.cut(START)).name
        disk.acknowledge(1)
    tried = repaired = 0
    for look in looks_after_power_cuts(disk):
        tried += 1
        _, content = look.files[NAME]
        if content == broken:
            assert look.events == 0
            path = put(look, folder / "b")
            with Repair.opened(path, holder) as again:
                assert Path(again.cut(START)).read_bytes() == broken
            content = path.read_bytes()
        else:
            repaired += 1
            assert look.files[kept][1] == broken
        assert content == b"".join(LINES[:5])
    assert tried > 10
    assert 0 < repaired < tried

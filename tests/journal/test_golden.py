"""Journals as every version of sshfleet so far wrote them: read as they were meant.

The files in golden/ were written by the programs of their time and are never changed. Whoever adds
to the format adds two files: one of events, one that begins with a snapshot.
"""

import shutil
from pathlib import Path

import pytest

from sshfleet.journal.record import Record, Stamp, encode
from sshfleet.journal.store import read_history, read_state
from sshfleet.model import event as ev
from sshfleet.model.desired import DesiredState, Lease
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName
from tests.journal.lines import Log, open_journal, scan

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.jsonl"))
M1, M2 = MachineId("a" * 32), MachineId("b" * 32)
WEB, DB = UnitName("web.service"), UnitName("db.service")


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir(mode=0o700)
    copied: Path = folder / request.param.name
    shutil.copy(request.param, copied)
    copied.chmod(0o600)
    return copied


def version(path: Path) -> int:
    return int(path.name.partition("-")[0])


def check(state: DesiredState, path: Path) -> None:
    assert state.lineage == "0123456789abcdef0123456789abcdef"
    assert state.generation == 2
    assert {one.id: (one.name, one.address) for one in state.machines.values()} == {
        M1: ("core-01", "10.0.0.1"),
        M2: ("core-02", "10.0.0.2"),
    }
    web, db = state.units[WEB], state.units[DB]
    assert (web.target, sorted(web.placements)) == (TargetState.LAUNCHED, [M1])
    assert web.restart == {M1: "f00d"}
    assert not db.placements | db.holders
    assert state.texts[web.sha256] == "[Service]\nExecStart=/bin/true # é\x7f\n"
    assert state.cordoned == frozenset([MachineName("core-02")] if version(path) >= 2 else [])
    assert list(db.dropins) == (["10-nice.conf"] if version(path) >= 3 else [])
    if version(path) >= 7:
        assert web.guarded == {M1}
        assert state.draining == {MachineName("core-02")}
        assert state.leases == {M1: Lease("b007", 90_000, 60, 2)}


def read(path: Path) -> Log:
    return scan(path.read_bytes(), path)


def test_each_is_read_as_it_was_meant(path: Path) -> None:
    state, notes = read_state(path)
    check(state, path)
    assert notes == []


def test_each_can_be_gone_on_with(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append([ev.MachineSeen(M1, MachineName("core-01"), "10.0.0.1")])
        check(journal.state, path)
    assert isinstance(list(read_history(path))[-1].event, ev.MachineSeen)


def again(record: Record) -> bytes:
    stamp = Stamp(at=record.at, by=record.by, cmd=record.cmd)
    together = range(record.first, record.last + 1)
    return encode(record.event, stamp, seq=record.seq, prev=record.prev, together=together)[0]


def test_each_would_be_written_in_the_same_way_today(path: Path) -> None:
    assert b"".join(map(again, read(path).records)) == path.read_bytes()


def test_every_version_has_its_two_files() -> None:
    versions = {version(path) for path in GOLDEN}
    assert versions == {*range(1, 8)}
    assert len(GOLDEN) == 2 * len(versions)

import json
from datetime import timedelta
from pathlib import Path

import pytest

from sshfleet.journal.cache import load_observed, load_seen, save_observed, save_seen
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import (
    Observed,
    Reached,
    Record,
    Trouble,
    UnitState,
    Unreachable,
)
from tests.journal.lines import M1, SHA, WEB
from tests.journal.strategies import START

CORE1, CORE2 = MachineName("core-01"), MachineName("core-02")
STATE = UnitState(
    name=WEB,
    load="loaded",
    active="active",
    sub="running",
    restarts=3,
    sha256=SHA,
    record=Record(lineage="0123", generation=4, sha256=SHA, target="launched"),
    boot=True,
    settled=False,
)
REACHED = Reached(
    machine=M1,
    boot_id="b00t",
    uptime=12.5,
    os="Debian \x1b[31m \\xff é",
    arch="x86-64",
    systemd=252,
    cpus=2,
    memory=2**33,
    units={WEB: STATE},
)
SILENT = Unreachable(trouble=Trouble.SILENT, detail="connection timed out", hint="is it on?")
OBSERVED = Observed({CORE1: REACHED, CORE2: SILENT})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "journal.jsonl"


def test_a_look_at_the_fleet_comes_back_as_it_was(path: Path) -> None:
    save_observed(path, OBSERVED, START)
    assert load_observed(path) == (OBSERVED, START)
    cached = path.parent / "observed.json"
    assert cached.stat().st_mode & 0o777 == 0o600
    assert sorted(below.name for below in path.parent.iterdir()) == ["README", "observed.json"]


def test_each_machine_may_have_been_seen_at_another_time(path: Path) -> None:
    earlier = START - timedelta(hours=1)
    save_seen(path, {CORE1: (START, REACHED), CORE2: (earlier, SILENT)})
    assert load_seen(path) == {CORE1: (START, REACHED), CORE2: (earlier, SILENT)}
    assert load_observed(path) == (OBSERVED, earlier)


def test_the_latest_look_replaces_the_one_before(path: Path) -> None:
    save_observed(path, OBSERVED, START)
    save_observed(path, Observed({CORE2: SILENT}), START)
    assert load_seen(path) == {CORE2: (START, SILENT)}


def test_nothing_saved_is_nothing_seen(path: Path) -> None:
    assert load_observed(path) is None
    assert load_seen(path) == {}
    assert not path.parent.exists()


def test_a_cut_or_foreign_cache_is_nothing_seen(path: Path) -> None:
    save_observed(path, OBSERVED, START)
    cached = path.parent / "observed.json"
    whole = cached.read_bytes()
    for cut in range(0, len(whole), 7):
        cached.write_bytes(whole[:cut])
        assert load_observed(path) is None
    for other in (
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        whole.replace(b"silent", b"gone"),
    ):
        cached.write_bytes(other)
        assert load_observed(path) is None


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"version": 0}, {"journal": "other.jsonl"}, {"reached": 1}]
)
def test_a_cache_of_another_version_or_journal_is_nothing_seen(
    path: Path, change: dict[str, object]
) -> None:
    save_observed(path, OBSERVED, START)
    cached = path.parent / "observed.json"
    cached.write_text(json.dumps({**json.loads(cached.read_text()), **change}))
    assert load_observed(path) is None


def test_a_time_without_a_zone_is_nothing_seen(path: Path) -> None:
    save_observed(path, OBSERVED, START.replace(tzinfo=None))
    assert load_observed(path) is None


def test_a_cache_that_cannot_be_kept_is_no_error(path: Path) -> None:
    path.parent.mkdir(0o777)
    path.parent.chmod(0o777)
    save_observed(path, OBSERVED, START)
    assert list(path.parent.iterdir()) == []
    assert load_observed(path) is None


def test_a_link_is_replaced_and_not_followed(path: Path) -> None:
    path.parent.mkdir(0o700)
    (path.parent / "precious").write_text("precious")
    (path.parent / "observed.json").symlink_to("precious")
    assert load_observed(path) is None
    save_observed(path, OBSERVED, START)
    assert (path.parent / "precious").read_text() == "precious"
    assert load_observed(path) == (OBSERVED, START)

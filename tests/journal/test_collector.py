import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.journal.collector import paused
from sshfleet.journal.store import read_state
from sshfleet.model import event as ev
from sshfleet.model.unit import UnitName
from tests.journal.lines import SHA, TEXT, open_journal


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    was_on = gc.isenabled()
    yield
    (gc.enable if was_on else gc.disable)()


def test_the_collector_rests_in_the_block_and_works_after_it() -> None:
    gc.enable()
    with paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with paused():
        pass
    assert not gc.isenabled()


def test_the_collector_works_after_a_block_that_failed() -> None:
    gc.enable()
    with pytest.raises(ValueError, match="damaged"), paused():
        raise ValueError("damaged")
    assert gc.isenabled()


def test_no_garbage_is_looked_for_while_a_journal_is_read(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "journal.jsonl"
    units = [UnitName(f"app-{number}.service") for number in range(300)]
    with open_journal(path) as journal:
        journal.append([ev.TextStored(SHA, TEXT)])
        journal.append([ev.UnitSubmitted(unit, SHA) for unit in units])
    looks: list[str] = []
    before = gc.get_threshold()
    gc.enable()
    gc.set_threshold(10)
    gc.callbacks.append(lambda phase, _info: looks.append(phase))
    try:
        read_state(path)
    finally:
        gc.callbacks.pop()
        gc.set_threshold(*before)
    assert len(looks) < len(units) // 10  # opening the file is all that it can see

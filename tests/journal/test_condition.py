"""What a journal is like, looked at without touching it."""

from pathlib import Path

import pytest

from sshfleet.errors import JournalError
from sshfleet.journal.condition import condition
from sshfleet.journal.store import Journal
from sshfleet.model.event import MachineCordoned
from sshfleet.model.machine import MachineName
from tests.journal.strategies import START

CORDONED = MachineCordoned(MachineName("core-01"))


def opened(path: Path) -> Journal:
    return Journal.open(
        path,
        by="core@laptop",
        command="sshfleet cordon",
        now=lambda: START,
    )


def test_no_journal_is_none_and_nothing_is_made(tmp_path: Path) -> None:
    assert condition(tmp_path / "demo" / "journal.jsonl") is None
    assert list(tmp_path.iterdir()) == []


def test_size_mode_and_archives_are_told_and_who_is_at_work(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "journal.jsonl"
    with opened(path) as journal:
        journal.append([CORDONED])
        busy = condition(path)
    free = condition(path)
    assert busy
    assert free
    assert "core@laptop (pid " in busy.holder
    assert busy.holder.endswith(": sshfleet cordon")
    assert (free.holder, free.mode, free.archives) == ("", 0o600, 0)
    assert free.size == path.stat().st_size > 0
    (path.parent / "journal.jsonl.1-7.0123abcd").touch(0o600)
    again = condition(path)
    assert again
    assert again.archives == 1


def test_a_lock_is_not_taken_to_see_whether_somebody_has_it(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "journal.jsonl"
    with opened(path) as journal:
        journal.append([CORDONED])
    lock = path.parent / "journal.jsonl.lock"
    lock.write_text('{"pid": 1, "by": "a killed one"}')  # what a kill leaves there
    found = condition(path)
    assert found
    assert found.holder == ""


def test_what_others_may_write_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "journal.jsonl"
    with opened(path) as journal:
        journal.append([CORDONED])
    path.chmod(0o666)
    with pytest.raises(JournalError, match="others may write"):
        condition(path)

"""Times as people write them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sshfleet.cli.moments import first_moment, last_moment
from sshfleet.errors import UsageError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be two hours ahead of UTC; POSIX counts the other way."""
    monkeypatch.setenv("TZ", "EET-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("90s", "2026-11-23T11:58:30Z"),
        ("30m", "2026-11-23T11:30:00Z"),
        ("2h", "2026-11-23T10:00:00Z"),
        ("3d", "2026-11-20T12:00:00Z"),
        ("1w", "2026-11-16T12:00:00Z"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("2026-11-23T10:00:00.5+01:00", "2026-11-23T09:00:00.5Z"),
        ("2026-11-23 10:00", "2026-11-23T08:00:00Z"),
        ("2026-11-23T10:00:00", "2026-11-23T08:00:00Z"),
    ],
)
def test_a_moment_is_the_same_from_both_sides(said: str, meant: str) -> None:
    moment = datetime.fromisoformat(meant)
    assert first_moment(said, NOW) == last_moment(said, NOW) == moment


def test_a_day_is_a_whole_day_of_this_computers_time_zone() -> None:
    first, last = first_moment("2026-11-23", NOW), last_moment("2026-11-23", NOW)
    assert first == datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
    assert last == datetime(2026, 11, 23, 21, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    ["soon", "h", "-2h", "2 h", "2y", "2026-13-01", "2026-02-30", "²h", "999999w", "0001-01-01"],
)
def test_what_is_no_time_is_refused_with_what_would_be_one(said: str) -> None:
    for option, read in (("--since", first_moment), ("--until", last_moment)):
        with pytest.raises(UsageError) as caught:
            read(said, NOW)
        assert caught.value.message == f"{option} '{said}' is not a time"
        assert "2026-11-23" in caught.value.hint

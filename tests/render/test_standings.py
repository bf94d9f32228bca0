"""How machines stand, in the words of people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sshfleet.model.observed import Trouble
from sshfleet.model.standing import Standing
from sshfleet.render.standings import age, clock_time, standing_line, trouble_word

NOW = datetime(2026, 11, 23, 12, 7, 30, tzinfo=UTC)


def test_each_trouble_has_a_word_of_its_own() -> None:
    words = [trouble_word(trouble) for trouble in Trouble]
    assert words == [
        "silent", "hung", "no-sshd", "throttled", "untrusted", "auth", "unmanageable", "owned",
        "controller-fault",
    ]  # fmt: skip
    assert trouble_word(None) == ""


def test_a_line_says_which_machine_what_since_when_and_why() -> None:
    since = NOW - timedelta(minutes=4, seconds=12)
    stood = Standing(trouble=Trouble.SILENT, detail="no answer within 10 s", since=since)
    east = timezone(timedelta(hours=1))
    line = standing_line("core-02", stood, NOW, lambda at: at.astimezone(east))
    assert line == "core-02 silent since 13:03 (4 min): no answer within 10 s"


@pytest.mark.parametrize(
    ("passed", "shown"),
    [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"),
     (86399, "23 h"), (86400, "1 d"), (86400 * 400, "400 d")],
)  # fmt: skip
def test_an_age_is_shown_in_its_largest_unit(passed: int, shown: str) -> None:
    assert age(timedelta(seconds=passed)) == shown


def test_of_another_day_or_year_the_date_is_shown_too() -> None:
    assert clock_time(NOW - timedelta(hours=12, minutes=7), NOW) == "00:00"
    assert clock_time(NOW - timedelta(days=1), NOW) == "11-22 12:07"
    assert clock_time(NOW - timedelta(days=400), NOW) == "2025-10-19 12:07"

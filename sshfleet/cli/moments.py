"""Times as people write them: how long ago, a day, or a moment."""

import re
from datetime import date, datetime, time, timedelta

from sshfleet.errors import UsageError

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def first_moment(said: str, now: datetime) -> datetime:
    """Return the moment that `--since` means; raise UsageError. A day begins at its midnight."""
    return _moment("--since", said, now, time.min)


def last_moment(said: str, now: datetime) -> datetime:
    """Return the moment that `--until` means; raise UsageError. A day counts to its last moment."""
    return _moment("--until", said, now, time.max)


def seconds_in(option: str, said: str) -> int:
    """Return how many seconds a length such as 90s, 1m or 2h has; raise UsageError."""
    length = _AGO.fullmatch(said if said[-1:].isalpha() else f"{said}s")
    if not length or not int(length[1]):
        raise UsageError(
            f"{option} '{said}' is not a length of time", hint="for example: 30s, 1m, 2h"
        )
    return int(timedelta(**{_UNITS[length[2]]: int(length[1])}).total_seconds())


def _moment(option: str, said: str, now: datetime, in_day: time) -> datetime:
    """Read a time; one without a time zone is in that of this computer."""
    try:
        if ago := _AGO.fullmatch(said):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        if len(said) <= len("2026-11-23"):
            return datetime.combine(date.fromisoformat(said), in_day).astimezone()
        return datetime.fromisoformat(said).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} '{said}' is not a time",
            hint="say how long ago (30m, 2h, 3d), a day (2026-11-23) or a moment "
            "(2026-11-23T14:00:00Z)",
        ) from None

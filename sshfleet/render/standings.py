"""How machines stand: the word for each trouble, since when, and one line for people."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sshfleet.model.observed import Trouble
from sshfleet.model.standing import Standing

WORDS = {Trouble.HOST_KEY: "untrusted", Trouble.FAULT_HERE: "controller-fault"}
_STEPS = ((86400, "d"), (3600, "h"), (60, "min"))

Local = Callable[[datetime], datetime]
"""Puts a moment into the time zone of whoever reads."""


def trouble_word(trouble: Trouble | None) -> str:
    """Return what a trouble is called; nothing when there is none."""
    return WORDS.get(trouble, str(trouble)) if trouble else ""


def standing_line(name: str, standing: Standing, now: datetime, local: Local) -> str:
    """Say since when a machine is in which trouble: one line, not yet made safe."""
    since = f"since {clock_time(local(standing.since), local(now))}"
    detail = f": {standing.detail}" if standing.detail else ""
    return f"{name} {trouble_word(standing.trouble)} {since} ({age(now - standing.since)}){detail}"


def clock_time(moment: datetime, now: datetime) -> str:
    """Show a moment as short as it is clear: the time of today, else with its day, or its year."""
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment:%m-%d %H:%M}" if moment.year == now.year else f"{moment:%Y-%m-%d %H:%M}"


def age(passed: timedelta) -> str:
    """Show how long something has been so, in its largest unit."""
    seconds = max(0, int(passed.total_seconds()))
    for step, unit in _STEPS:
        if seconds >= step:
            return f"{seconds // step} {unit}"
    return f"{seconds} s"

"""What happened as rows: in plain words for people, in exact fields for programs.

Rule 1: the short form is for reading, the full form says everything: UTC with milliseconds,
user@host, whole IDs and hashes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sshfleet.render.happenings import Happening, Kind

_SHORT_HASH = 7
_SHORT_ID = 8

_WORDS: dict[str, str] = {
    Kind.BEGIN: "the journal begins",
    Kind.TEXT: "text {change}",
    Kind.WANT: "wanted: {change}",
    Kind.PLACE: "placed",
    Kind.MOVE: "moved {change}",
    Kind.LEAVE: "to leave",
    Kind.GONE: "seen to be gone",
    Kind.SEE: "seen at {change}",
    Kind.GIVE_UP: "given up there",
    Kind.FIND: "found there again",
    Kind.CORDON: "cordoned",
    Kind.DRAIN: "to be emptied",
    Kind.UNCORDON: "uncordoned",
}
_DONE = {
    "install": "installed",
    "start": "started",
    "stop": "stopped",
    "restart": "restarted",
    "remove": "removed",
}
_ENDED = re.compile(r"(?:[a-z]+ )?(failed|unknown)(?![^ ,:])")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What rows are made with.

    `local` gives a moment in the user's time zone and `year` is the current one there; `called`
    names machines that were not named in the records, and `hash_of` maps the content of a unit to
    fleet's hash; both return nothing for what they do not know.
    """

    local: Callable[[datetime], datetime]
    year: int
    called: Callable[[str], str]
    hash_of: Callable[[str], str]
    full: bool = False


def history_row(one: Happening, history: History) -> dict[str, str]:
    """Return all the cells of what happened, those for tables and those for programs."""
    before, after = _ends(one, history)
    name = one.name or (one.machine and history.called(one.machine))
    full = history.full
    return {
        "when": _utc(one.entry.at) if full else _short(history.local(one.entry.at), history.year),
        "at": _utc(one.entry.at),
        "who": one.entry.by if full else one.entry.by.partition("@")[0],
        "by": one.entry.by,
        "command": one.entry.cmd,
        "kind": one.kind,
        "unit": one.unit,
        "machine": one.machine if full else name or one.machine[:_SHORT_ID],
        "name": name,
        "what": words(one, before, after),
        "from": before,
        "to": after,
        "reason": one.reason,
        "result": one.result,
        "took": took(one.ms),
        "ms": str(one.ms or ""),
    }


def _ends(one: Happening, history: History) -> tuple[str, str]:
    """Return what it was before and after, as far as that is known."""
    if one.kind == Kind.TEXT:
        length = None if history.full else _SHORT_HASH
        return history.hash_of(one.before)[:length], history.hash_of(one.after)[:length]
    if one.kind in (Kind.PLACE, Kind.MOVE, Kind.LEAVE) and not history.full:
        left = one.left if one.kind == Kind.MOVE else one.name
        return _machine(one.before, left, history), _machine(one.after, one.name, history)
    return one.before, one.after


def _machine(machine: str, name: str, history: History) -> str:
    return machine and (name or history.called(machine) or machine[:_SHORT_ID])


def words(one: Happening, before: str, after: str) -> str:
    """Say in one line what happened."""
    change = f"{before} → {after}" if before and before != after else after
    said = _WORDS[one.kind].format(change=change or "-") if one.kind in _WORDS else _action(one)
    return f"{said}: {one.reason}" if one.reason else said


def _action(one: Happening) -> str:
    done = one.result == "done"
    said = _DONE.get(one.kind, one.kind) if done else f"{one.kind} {one.result}"
    if one.ms:
        said += f" {'in' if done else 'after'} {took(one.ms)}"
    changed = one.before and one.after and one.before != one.after
    return f"{said}, {one.before} → {one.after}" if changed else said


def colour_of(cell: str) -> str:
    """Return the colour of a cell: red for what failed, yellow for what nobody knows the end of."""
    said = _ENDED.match(cell)
    return {"failed": "31", "unknown": "33"}[said[1]] if said else ""


def took(ms: int) -> str:
    """Show milliseconds as people say them: 0.4s, 12s, 3min 20s; nothing for 0."""
    if not ms:
        return ""
    if ms < 9950:
        return f"{max(ms, 100) / 1000:.1f}s"
    seconds = round(ms / 1000)
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}min {seconds % 60}s"


def _short(at: datetime, year: int) -> str:
    return at.strftime("%m-%d %H:%M:%S" if at.year == year else "%Y-%m-%d %H:%M")


def _utc(at: datetime) -> str:
    shown = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return shown.removesuffix("+00:00") + "Z"

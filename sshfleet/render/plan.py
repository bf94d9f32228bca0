"""A plan for people: + ~ − lines with reasons, what stands in the way, diffs, and one line at last.

+ web.service  start on core-02     least loaded of 3 machines that qualify (1 unit)
~ api.service  restart on core-01   has a new text
- old.service  remove from core-03  destroyed
! big.service  cannot run on any of 3 machines
? far.service  on core-03           cannot be reached (connection timed out)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sshfleet.model.action import Notice, Plan, Problem, Waiting
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from sshfleet.render.changes import Change, Kind, counted
from sshfleet.render.diff import Difference, diff_lines, unified
from sshfleet.render.safe import safe_line
from sshfleet.render.states import cannot_run, indented
from sshfleet.render.tables import GAP, painted, width

_SIGNS = {
    Kind.START: "+", Kind.LOAD: "+", Kind.REGISTER: "+", Kind.UNCORDON: "+",
    Kind.RESTART: "~", Kind.UPDATE: "~", Kind.CORDON: "~", Kind.DRAIN: "~",
    Kind.STOP: "-", Kind.REMOVE: "-", Kind.LOSE: "-", Kind.FORGET: "-",
}  # fmt: skip
_COLOURS = {"+": "32", "~": "33", "-": "31", "!": "31", "?": "33", ".": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A plan with all that is shown of it; `texts` maps SHA-256 to unit text."""

    plan: Plan
    changes: tuple[Change, ...]
    differences: tuple[Difference, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[tuple[str, str], ...] = ()


_Row = tuple[str, str, str, str]


def plan_text(shown: Shown, *, colour: bool) -> str:
    """Write the whole plan; nothing when all that was asked for was refused."""
    parts = [
        "".join(_laid_out([*_rows(shown)], colour=colour)),
        _unplaceable(shown, colour=colour),
        _remaining(shown, colour=colour),
    ]
    diffs = [
        "".join(diff_lines(unified(one, shown.texts), colour=colour)) for one in shown.differences
    ]
    head = "".join(parts)
    if shown.refused and not head and not diffs:
        return ""
    return "\n".join(part for part in (head, *diffs, summary(shown) + "\n") if part)


def summary(shown: Shown) -> str:
    """Say in one line how much is to be done, and what cannot be."""
    counts = counted(shown.changes)
    doing = ", ".join(f"{count} to {kind}" for kind, count in counts.items()) or "nothing to do"
    plan = shown.plan
    away = len({item.unit for item in plan.away})
    notes = [
        _count(len(plan.unplaceable), "unit cannot be placed", "units cannot be placed"),
        _count(len(plan.remaining), "unit cannot leave", "units cannot leave"),
        _count(len(plan.problems), "problem", "problems"),
        _count(away, "unit on a machine that is away", "units on machines that are away"),
    ]
    return "; ".join([doing, *(note for note in notes if note)])


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _rows(shown: Shown) -> Iterator[_Row]:
    for change in shown.changes:
        yield _SIGNS[change.kind], change.unit or change.machine, _what(change), change.reason
    plan = shown.plan
    busy = {(change.unit, change.machine) for change in shown.changes}
    yield from _items("!", plan.problems)
    yield from _items(".", (one for one in plan.waiting if (one.unit, one.machine) not in busy))
    yield from _items(".", plan.notices)
    for item in plan.away:
        yield "?", item.unit, f"on {item.machine}", f"cannot be reached ({item.why})"


def _items(sign: str, items: Iterable[Problem | Waiting | Notice]) -> Iterator[_Row]:
    for item in items:
        yield sign, item.unit, f"on {item.machine}", item.why


def _what(change: Change) -> str:
    if not change.unit or not change.machine:
        return change.kind.value
    if change.kind is Kind.LOSE:
        return f"lost with {change.machine}"
    return f"{change.kind} {'from' if change.kind is Kind.REMOVE else 'on'} {change.machine}"


def _laid_out(rows: list[_Row], *, colour: bool) -> Iterator[str]:
    cells = [
        (sign, safe_line(unit), safe_line(what), safe_line(why)) for sign, unit, what, why in rows
    ]
    first = max((width(row[1]) for row in cells), default=0)
    second = max((width(row[2]) for row in cells), default=0)
    for sign, unit, what, why in cells:
        begun = f"{sign} {unit}{' ' * (first - width(unit))}"
        head = painted(begun, _COLOURS[sign] if colour else "")
        yield f"{head}{GAP}{what}{' ' * (second - width(what))}{GAP}{why}".rstrip() + "\n"


def _unplaceable(shown: Shown, *, colour: bool) -> str:
    return "".join(
        _refused(one.unit, cannot_run(len(one.reasons)), one.reasons, colour=colour)
        for one in shown.plan.unplaceable
    )


def _remaining(shown: Shown, *, colour: bool) -> str:
    return "".join(
        _refused(one.unit, f"stays on {one.machine}", one.reasons, colour=colour)
        for one in shown.plan.remaining
    )


def _refused(
    unit: UnitName, what: str, reasons: Mapping[MachineName, tuple[str, ...]], *, colour: bool
) -> str:
    """Say what cannot be, and below it what speaks against each machine."""
    head = painted(f"! {unit}", "31" if colour else "")
    lines = [f"{head}{GAP}{what}", *(f"  {line}" for line in indented(reasons))]
    return "".join(f"{line}\n" for line in lines)

"""Replaces=: a newcomer takes a machine, and what it replaces there moves on, or it does not come.

Rule 1: all or nothing. Units that are pushed off leave with those that follow them, each group
goes to the best other machine that all of it may be on, and may push off others there in turn.
Rule 2: a global unit (or one that was, and is still on several) only leaves the one machine.
Rule 3: who was moved already by the same newcomer is not moved again: there is an end to it.
"""

from collections.abc import Mapping, Sequence

from sshfleet.model.machine import MachineId
from sshfleet.model.unit import UnitName
from sshfleet.plan.board import Clash, Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.feasibility import NEWCOMER_RULES, reasons_against
from sshfleet.plan.order import groups
from sshfleet.plan.ranking import beside
from sshfleet.plan.roster import Candidate

_SHOWN = 3  # machines in a reason; nobody reads a thousand

Moving = frozenset[UnitName]
NOBODY_YET: Moving = frozenset()


def would_push_off(
    draft: Draft, newcomers: Sequence[Tenant], candidate: Candidate
) -> tuple[str, ...]:
    """Say which unit stands in the way of newcomers that no rule keeps off a machine."""
    mark = draft.board.mark()
    why = join(draft, newcomers, candidate)
    draft.board.rewind(mark)
    return (why,) if why else ()


def join(
    draft: Draft,
    newcomers: Sequence[Tenant],
    candidate: Candidate,
    *,
    reasons: Mapping[UnitName, str] | None = None,
    moving: Moving = NOBODY_YET,
) -> str:
    """Put newcomers on a machine as one; where that cannot be, change nothing and say why.

    `reasons` say why each comes; `moving` are those that moved for this already.
    """
    mark = draft.board.mark()
    for each in newcomers:
        draft.put(each, candidate.id, (reasons or {}).get(each.name, ""))
    why = _barred(draft, newcomers, candidate)
    why = why or push_off(draft, newcomers, candidate.id, moving)
    if why:
        draft.board.rewind(mark)
    return why


def _barred(draft: Draft, newcomers: Sequence[Tenant], candidate: Candidate) -> str:
    for each in newcomers:
        for reason in reasons_against(each, candidate, draft.board, NEWCOMER_RULES):
            return reason if len(newcomers) == 1 else f"{reason} (of {each.name})"
    return ""


def push_off(
    draft: Draft, newcomers: Sequence[Tenant], machine: MachineId, moving: Moving = NOBODY_YET
) -> str:
    """Move what units that stand on a machine replace there; say why that cannot be.

    Then things may be half done, and the caller takes them back.
    """
    clashes = {
        clash.other: clash for each in newcomers for clash in draft.board.replaced(each, machine)
    }
    if not clashes:
        return ""
    leaving = draft.with_followers({name: _why(clash) for name, clash in clashes.items()}, machine)
    moving |= {each.name for each in newcomers}
    first = next(iter(clashes))
    for name in leaving:
        if name in moving:
            return f"would push off {first}, and {name} with it"
        if draft.board.there(name, machine).unread:
            return f"would push off {name}, whose text cannot be read"
    draft.take(machine, leaving)
    homeless = [draft.newcomer(name) for name in leaving if draft.is_homeless(name)]
    for group in groups(homeless):
        why = _relocate(draft, group, machine, moving)
        if why is not None:
            return f"would push off {group[0].name}, which no other machine may run{why}"
        moving |= {each.name for each in group}
    return ""


def _why(clash: Clash) -> str:
    return f"replaced there by {clash.owner} (Replaces={clash.pattern} of {clash.owner})"


def _relocate(
    draft: Draft, group: Sequence[Tenant], away_from: MachineId, moving: Moving
) -> str | None:
    """Put units that were pushed off on the best machine for all of them; say what speaks against
    the others when there is none (nothing, when there is no other)."""
    board = draft.board
    held = frozenset().union(*(each.past.holders for each in group))
    reasons = {each.name: beside(each) or "the best other machine" for each in group}
    told: dict[str, str] = {}
    others = [one for one in board.roster.candidates if one.id != away_from]
    for one in sorted(others, key=lambda c: (c.id not in held, board.load(c.id), c.id, c.name)):
        why = join(draft, group, one, reasons=reasons, moving=moving)
        if not why:
            return None
        told[one.name] = why
    shown = [f"{one.name}: {told[one.name]}" for one in others[:_SHOWN]]
    more = [f"{len(others) - _SHOWN} more"] if len(others) > _SHOWN else []
    return ": " + "; ".join(shown + more) if shown else ""

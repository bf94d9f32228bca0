"""A destination: the best machine that may run all of a group, or why there is none.

Rule 1: nothing is pushed off for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from sshfleet.plan.board import Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.feasibility import NEWCOMER_RULES, qualifying, reasons_against
from sshfleet.plan.ranking import why
from sshfleet.plan.roster import Candidate

Reasons = Mapping[UnitName, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a group goes, if it can go anywhere; `why` each unit goes there, and what speaks
    `against` each machine that is out of the question."""

    machine: Candidate | None
    why: Mapping[UnitName, str] = field(default_factory=dict)
    against: Mapping[MachineName, Reasons] = field(default_factory=dict)

    def told(self, unit: UnitName) -> dict[MachineName, tuple[str, ...]]:
        """Return what speaks against each machine for one unit of the group."""
        return {machine: reasons[unit] for machine, reasons in self.against.items()}


def destination(draft: Draft, group: Sequence[Tenant]) -> Destination:
    """Look for the machine with the fewest units that may run all of a group."""
    board = draft.board
    candidates = board.roster.candidates
    if len(group) == 1 and not group[0].rules.replaces:
        fit = qualifying(group[0], candidates, board)  # the same answer, soon
    else:
        fit = [one for one in candidates if not any(_against(draft, group, one).values())]
    if not fit:
        against = {one.name: _against(draft, group, one) for one in candidates}
        return Destination(None, against=against)
    held = frozenset().union(*(each.past.holders for each in group))
    best = min(fit, key=lambda one: (one.id not in held, board.load(one.id), one.id))
    return Destination(best, {each.name: why(each, best, len(fit), board) for each in group})


def _against(draft: Draft, group: Sequence[Tenant], one: Candidate) -> Reasons:
    """Judge units as if all of them stood on a machine."""
    mark = draft.board.mark()
    for each in group:
        draft.put(each, one.id, "")
    own = {each.name: tuple(_reasons(draft, each, one)) for each in group}
    draft.board.rewind(mark)
    along = [
        f"{name} has to come along, which cannot be: {found[0]}"
        for name, found in own.items()
        if found
    ]
    return {name: found or tuple(along[:1]) for name, found in own.items()}


def _reasons(draft: Draft, each: Tenant, one: Candidate) -> Iterator[str]:
    yield from reasons_against(each, one, draft.board, NEWCOMER_RULES)
    for clash in draft.board.replaced(each, one.id):
        yield f"would push off {clash.other} there (Replaces={clash.pattern} of {clash.owner})"

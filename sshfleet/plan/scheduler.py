"""The scheduler: where units are to be, given where they are.

Rule 1: units of the scope move, those that follow them, and those that they push off (`reach`);
all others stand on the board as load, peers and conflicts.
Rule 2: what no longer holds ends first (`review`), then newcomers are placed, each seen by the
next (`settling`); when that may help those that found no place, they try once more.
Rule 3: a unit that cannot be placed is an answer with each machine's reasons, not a wait.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sshfleet.model.action import Unplaceable, Waiting
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.observed import Unreachable
from sshfleet.model.unit import UnitName, is_template
from sshfleet.plan.board import Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.feasibility import NEWCOMER_RULES, SILENT_RULES, reasons_against
from sshfleet.plan.pushing import would_push_off
from sshfleet.plan.review import review
from sshfleet.plan.roster import Candidate
from sshfleet.plan.settling import settle, with_peers
from sshfleet.plan.world import World

_SAID = 3  # reasons against a peer; it has its own answer with all of them


@dataclass(frozen=True, slots=True)
class Schedule:
    """Placements that end, then placements that begin, and what can be placed nowhere.

    `unheard` are the machines that global units are to come to once they answer.
    """

    events: tuple[UnitPlaced | UnitUnplaced, ...]
    unplaceable: tuple[Unplaceable, ...]
    unheard: tuple[Waiting, ...] = ()


def schedule(world: World, scope: frozenset[UnitName]) -> Schedule:
    """Decide placements for the units of `scope`; change nothing where all rules hold."""
    draft = Draft(world, scope)
    review(draft)
    names = newcomers(draft)
    everywhere = [name for name in names if draft.tenants[name].rules.is_global]
    homeless: Sequence[Tenant] = [draft.newcomer(name) for name in names]
    while True:
        mark = draft.board.mark()
        homeless = settle(draft, homeless)
        if not _worth_another_try(draft, mark, homeless):
            break
        retry = dict.fromkeys([*everywhere, *(each.name for each in homeless)])
        homeless = [draft.newcomer(name) for name in retry]
    unheard = tuple(_unheard(draft, everywhere))
    return Schedule(draft.events(), _answers(draft, homeless), unheard)


def _unheard(draft: Draft, everywhere: Iterable[UnitName]) -> Iterator[Waiting]:
    """Yield where global units are missing only because the machine did not answer."""
    reports, board = draft.world.observed.reports, draft.board
    silent = [c for c in board.roster.candidates if isinstance(reports.get(c.name), Unreachable)]
    for name in sorted(everywhere):
        tenant = draft.newcomer(name)
        for candidate in silent:
            is_there = candidate.id in board.places(name)
            if not is_there and not reasons_against(tenant, candidate, board, SILENT_RULES):
                yield Waiting(name, candidate.name, draft.world.why_away(candidate.name))


def _worth_another_try(draft: Draft, mark: int, homeless: Iterable[Tenant]) -> bool:
    """Tell whether something since `mark` may help who is homeless or global: a machine that lost
    a unit, or a peer that came for what would have to be pushed off."""
    came = draft.board.mark() > mark
    pushing = any(each.rules.replaces for each in homeless)
    return draft.board.lost_any_since(mark) or (came and pushing)


def newcomers(draft: Draft) -> list[UnitName]:
    """Return the units that may get a machine: those without one, and global ones."""
    wanting = [
        tenant.name
        for tenant in draft.movable()
        if tenant.rules.is_global or not draft.board.places(tenant.name)
    ]
    return [name for name in dict.fromkeys([*wanting, *draft.displaced()]) if not is_template(name)]


def _answers(draft: Draft, homeless: Iterable[Tenant]) -> tuple[Unplaceable, ...]:
    """Say why units are nowhere, as things stand once all others are placed; by name."""
    by_name = {each.name: each for each in sorted(homeless, key=lambda each: each.name)}
    return tuple(
        Unplaceable(
            name,
            {
                one.name: _reasons(draft, each, one, by_name)
                for one in draft.board.roster.candidates
            },
        )
        for name, each in by_name.items()
    )


def _reasons(
    draft: Draft, each: Tenant, one: Candidate, homeless: Mapping[UnitName, Tenant]
) -> tuple[str, ...]:
    """Judge a unit together with the homeless units that it needs beside it."""
    group = with_peers(each, homeless, frozenset())
    mark = draft.board.mark()
    for member in group:
        draft.put(member, one.id, "")
    reasons = [*reasons_against(each, one, draft.board, NEWCOMER_RULES)]
    for peer in reversed(group[1:]):
        if told := reasons_against(peer, one, draft.board, NEWCOMER_RULES):
            reasons.append(f"needs {peer.name} here, which cannot be: {'; '.join(told[:_SAID])}")
            break
    draft.board.rewind(mark)
    return tuple(reasons) or would_push_off(draft, group, one)

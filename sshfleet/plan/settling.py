"""Settling: give each new unit a machine, those that MachineOf= ties together as one.

Rule 1: of the machines on which the most of a group may be, the one that holds copies, then the
least loaded, then the first by machine ID. A peer does not need its follower: who is left over
tries again without those that were placed.
Rule 2: within a group peers come first; of two that cannot be together the later one is left over.
Rule 3: how many a machine can take is counted without what would be pushed off there, which is
tried out on the best machine only, and then on the next best.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from sshfleet.model.machine import MachineId
from sshfleet.model.unit import UnitName
from sshfleet.plan.board import Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.feasibility import NEWCOMER_RULES, peers_are_here, qualifying
from sshfleet.plan.order import Group, groups
from sshfleet.plan.pushing import join
from sshfleet.plan.ranking import best, why
from sshfleet.plan.roster import Candidate

_ALL_BUT_PEERS = tuple(rule for rule in NEWCOMER_RULES if rule is not peers_are_here)


def settle(draft: Draft, newcomers: Iterable[Tenant]) -> list[Tenant]:
    """Place units where they may be; return those that are nowhere."""
    homeless: list[Tenant] = []
    for group in groups(newcomers):
        if len(group) > 1 or group[0].rules.replaces:
            homeless += _together(draft, group)
        else:
            _alone(draft, group[0])
            homeless += [one for one in group if not draft.board.places(one.name)]
    return homeless


def _alone(draft: Draft, newcomer: Tenant) -> None:
    """Place a unit: a global one wherever it may be, any other on the best machine."""
    fit = qualifying(newcomer, _open_to(draft, [newcomer]), draft.board)
    if newcomer.rules.is_global:
        for candidate in fit:
            if candidate.id not in draft.board.places(newcomer.name):
                draft.put(newcomer, candidate.id, "global, and the machine qualifies")
    elif fit:
        chosen, reason = best(newcomer, fit, draft.board)
        draft.put(newcomer, chosen.id, reason)


def _open_to(draft: Draft, group: Sequence[Tenant]) -> Iterable[Candidate]:
    """Return the machines that come into question: where a peer stands, only its machines do."""
    names = {each.name for each in group}
    peers = [UnitName(p) for each in group for p in each.rules.machine_of if p not in names]
    roster = draft.board.roster
    if len(group) > 1 or not peers:
        return roster.candidates
    return [roster.known[m] for m in sorted(draft.board.places(peers[0])) if m in roster.known]


def _together(draft: Draft, group: Group) -> list[Tenant]:
    """Place as much of a group as can be on one machine, then the rest; return who is nowhere."""
    placed = _on_the_best(draft, group)
    if not placed:
        return list(group)
    return settle(draft, [each for each in group if each.name not in placed])


def _on_the_best(draft: Draft, group: Group) -> frozenset[UnitName]:
    offers = list(_offers(draft, group))
    most = max((len(possible) for _, possible in offers), default=0)
    fit = sum(len(possible) == most for _, possible in offers)
    queue = [(*_key(draft, one, possible), at) for at, (one, possible) in enumerate(offers)]
    heapq.heapify(queue)
    while queue:
        *_, at = heapq.heappop(queue)
        one, possible = offers[at]
        mark = draft.board.mark()
        placed = _try(draft, possible, one, fit)
        if len(placed) == len(possible):
            return placed
        draft.board.rewind(mark)
        if placed:
            offers[at] = (one, [each for each in possible if each.name in placed])
            heapq.heappush(queue, (*_key(draft, *offers[at]), at))
    return frozenset()


def _key(draft: Draft, one: Candidate, possible: Sequence[Tenant]) -> tuple[int, int, int, str]:
    held = sum(one.id in each.past.holders for each in possible)
    return (-len(possible), -held, draft.board.load(one.id), one.id)


def _offers(draft: Draft, group: Group) -> Iterable[tuple[Candidate, list[Tenant]]]:
    """Yield each machine that may take some of a group, and whom."""
    board, candidates = draft.board, _open_to(draft, group)
    fit: dict[MachineId, list[Tenant]] = {}
    for each in group:
        for one in qualifying(each, candidates, board, _ALL_BUT_PEERS):
            fit.setdefault(one.id, []).append(each)
    for one in candidates:
        if one.id in fit and (possible := _with_all_peers(fit[one.id], one, draft)):
            yield one, possible


def _with_all_peers(fit: Sequence[Tenant], one: Candidate, draft: Draft) -> list[Tenant]:
    """Leave out those whose peers neither are on a machine nor can come with them."""
    names = {each.name for each in fit}
    following = [each for each in fit if each.rules.machine_of]
    before = -1
    while len(names) != before:
        before = len(names)
        for each in following:
            for peer in map(UnitName, each.rules.machine_of):
                if peer not in names and one.id not in draft.board.places(peer):
                    names.discard(each.name)
    return [each for each in fit if each.name in names]


def _try(draft: Draft, possible: Sequence[Tenant], one: Candidate, fit: int) -> frozenset[UnitName]:
    """Put units on a machine, each with the peers it needs; return those for whom that worked."""
    by_name = {each.name: each for each in possible}
    reasons = {each.name: why(each, one, fit, draft.board) for each in possible}
    placed: frozenset[UnitName] = frozenset()
    failed: set[UnitName] = set()
    for each in possible:
        if each.name in placed:
            continue
        needed = with_peers(each, by_name, placed)
        names = {member.name for member in needed}
        if names & failed or join(draft, needed, one, reasons=reasons, moving=placed):
            failed.add(each.name)
        else:
            placed |= names
    return placed


def with_peers(
    tenant: Tenant, by_name: Mapping[UnitName, Tenant], placed: frozenset[UnitName]
) -> list[Tenant]:
    """Return a unit and all that it needs of those in `by_name`, directly or not."""
    needed = {tenant.name: tenant}
    for name in (queue := [tenant.name]):
        for peer in map(UnitName, needed[name].rules.machine_of):
            if peer in by_name and peer not in needed and peer not in placed:
                needed[peer] = by_name[peer]
                queue.append(peer)
    return list(needed.values())

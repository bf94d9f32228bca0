"""The review of placements: which of them end because their rules no longer hold.

Rule 1: a placement is judged by the unit's own rules alone, never by who answers or by load.
Rule 2: placements on machines that the inventory lacks, or whose ID is in dispute, are kept.
Rule 3: units are judged by rank, so that of two that conflict the younger gives way, and a unit
that gave way drives nobody else out; those that need it beside them are judged again at once.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from sshfleet.model.event import UnitUnplaced
from sshfleet.model.machine import MachineId
from sshfleet.plan.board import Board, Tenant
from sshfleet.plan.feasibility import OWN_RULES, reasons_against

_SAID = 3  # reasons in the journal; `explain` has them all

Followers = Mapping[str, list[Tenant]]


def review(tenants: Iterable[Tenant], board: Board) -> list[UnitUnplaced]:
    """Take from the board what may not stay, and return the events that say so."""
    by_rank = sorted(tenants, key=lambda tenant: tenant.rank)
    followers = _followers(by_rank)
    ended: list[UnitUnplaced] = []
    for tenant in by_rank:
        for machine in sorted(board.places(tenant.name)):
            if reason := _no_longer(tenant, machine, board):
                ended += _end(tenant, machine, reason, board, followers)
        for machine, reason in _surplus(tenant, board):
            ended += _end(tenant, machine, reason, board, followers)
    return ended


def _followers(tenants: Iterable[Tenant]) -> Followers:
    followers: dict[str, list[Tenant]] = {}
    for tenant in tenants:
        for peer in tenant.rules.machine_of:
            followers.setdefault(peer, []).append(tenant)
    return followers


def _no_longer(tenant: Tenant, machine: MachineId, board: Board) -> str:
    """Say why a unit may not stay on a machine where it stands; empty when it may."""
    candidate = board.roster.known.get(machine)
    if candidate is None:
        return ""
    return "; ".join(reasons_against(tenant, candidate, board, OWN_RULES)[:_SAID])


def _surplus(tenant: Tenant, board: Board) -> Iterator[tuple[MachineId, str]]:
    """Yield all places but one of a unit that was global when it got them."""
    places = board.places(tenant.name)
    if len(places) < 2 or tenant.rules.is_global:
        return
    kept, *others = sorted(places, key=lambda machine: (machine not in board.roster.known, machine))
    for machine in others:
        yield machine, f"is not global any more and stays on {board.roster.called(kept)}"


def _end(
    tenant: Tenant, machine: MachineId, reason: str, board: Board, followers: Followers
) -> Iterator[UnitUnplaced]:
    """End a placement, and those on the same machine that it held up."""
    queue = deque([(tenant, reason)])
    while queue:
        leaving, why = queue.popleft()
        if machine not in board.places(leaving.name):
            continue
        board.take(leaving.name, machine)
        yield UnitUnplaced(leaving.name, machine, why)
        for follower in followers.get(leaving.name, ()):
            stands = machine in board.places(follower.name)
            if stands and (because := _no_longer(follower, machine, board)):
                queue.append((follower, because))

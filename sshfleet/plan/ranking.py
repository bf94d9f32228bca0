"""Ranking: which of the machines that qualify takes a new unit.

Rule 1: fewest units first, then by machine ID: fleet's rule, and equal input gives an equal answer.
Rule 2: a machine that qualifies and still holds a copy comes before all: it avoids a move.
"""

from collections.abc import Sequence

from sshfleet.plan.board import Board, Tenant
from sshfleet.plan.roster import Candidate


def best(tenant: Tenant, fit: Sequence[Candidate], board: Board) -> tuple[Candidate, str]:
    """Choose among machines that qualify, at least one, and say why for people."""
    holders = tenant.past.holders
    holding = [candidate for candidate in fit if candidate.id in holders] if holders else []
    chosen = min(holding or fit, key=lambda c: (board.load(c.id), c.id))
    return chosen, why(tenant, chosen, len(fit), board)


def why(tenant: Tenant, chosen: Candidate, fit: int, board: Board) -> str:
    """Say why a unit goes to a machine, of so many that qualify (for all that go with it)."""
    if tenant.rules.machine_of:
        return beside(tenant)
    if fit == 1:
        return "the only machine that qualifies"
    if chosen.id in tenant.past.holders:
        return f"has a copy already, of {fit} machines that qualify"
    load = board.load(chosen.id)
    units = "1 unit" if load == 1 else f"{load} units"
    return f"least loaded of {fit} machines that qualify ({units})"


def beside(tenant: Tenant) -> str:
    """Name the peers that decide where a unit goes; nothing when it has none."""
    peers = tenant.rules.machine_of
    return f"beside {' and '.join(peers)}" if peers else ""

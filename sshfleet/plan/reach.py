"""How far a command reaches: which units beyond its scope may have to move for it.

Rule 1: reckoned before anybody was looked at, so rather too many than too few.
"""

from collections.abc import Iterable

from sshfleet.model.machine import MachineId
from sshfleet.model.unit import UnitName
from sshfleet.plan.board import Board, Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.globs import Names
from sshfleet.plan.review import review
from sshfleet.plan.scheduler import newcomers
from sshfleet.plan.world import World


def reach(world: World, scope: frozenset[UnitName]) -> frozenset[UnitName]:
    """Return the scope and all that its units can push off or that follows, one after the other."""
    draft = Draft(world, scope)
    return scope | _moved_for(draft, leaving=[tenant.name for tenant in draft.movable()])


def may_get_a_machine(world: World, scope: frozenset[UnitName]) -> frozenset[UnitName]:
    """Return the units that may be given another machine, going by what the journal knows."""
    draft = Draft(world, scope)
    review(draft)
    coming = newcomers(draft)
    parting = [
        name
        for tenant in draft.movable()
        for machine in draft.board.places(tenant.name)
        for name in _parting(draft.board, tenant, machine)
    ]
    drained = {one.id for one in draft.board.roster.candidates if one.draining}
    leaving = [one.name for one in draft.movable() if draft.board.places(one.name) & drained]
    return frozenset(coming) | _moved_for(draft, coming=coming, leaving=[*parting, *leaving])


def _parting(board: Board, tenant: Tenant, machine: MachineId) -> list[UnitName]:
    """Return who may leave a machine for Replaces=: whoever is pushed off, or else who pushes."""
    pushed = [clash.other for clash in board.replaced(tenant, machine)]
    return [tenant.name, *pushed] if pushed or board.replacing(tenant, machine) else []


def _moved_for(
    draft: Draft, *, coming: Iterable[UnitName] = (), leaving: Iterable[UnitName]
) -> frozenset[UnitName]:
    """Return those that leave, who follows them, and whom all of these and `coming` push off."""
    placed = Names(name for name in draft.tenants if draft.board.places(name))
    found = set(leaving)
    queue = [*found, *coming]
    for name in queue:
        globs = draft.tenants[name].rules.replaces if name in draft.tenants else ()
        more = {other for glob in globs for other in placed.matching(glob)}
        if name in found:
            more.update(draft.followers(name))
        fresh = more - found - {name}
        found |= fresh
        queue += fresh
    return frozenset(found)

"""Handing over: a unit that moves may say that its new copy comes first (HandOver=start-first).

Rule 1: both placements stand in the journal for as long as that takes, so that whoever goes on
after a crash knows of it: one on a machine that is drained, one on a machine that is not.
"""

from dataclasses import dataclass

from sshfleet.model.machine import FailoverMode, HandOver
from sshfleet.model.unit import UnitName
from sshfleet.plan.board import Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.mode import mode_of
from sshfleet.plan.roster import Candidate


@dataclass(frozen=True, slots=True)
class HandingOver:
    """Units that stand on a machine that is drained and on the one that they move to."""

    units: frozenset[UnitName]
    old: Candidate
    new: Candidate


def may_hand_over(draft: Draft, tenant: Tenant) -> bool:
    """Tell whether a unit may run twice for the moment in which it moves."""
    rules = tenant.rules
    unit = draft.world.units.get(tenant.name)
    if unit is None or rules.hand_over is not HandOver.START_FIRST or rules.is_global:
        return False
    return mode_of(unit, draft.world.fleet.failover) is not FailoverMode.LEASE


def from_and_to(draft: Draft, tenant: Tenant) -> tuple[Candidate, Candidate] | None:
    """Return between which machines a unit is handed over; nothing when it is not."""
    known = draft.board.roster.known
    places = [known[id_] for id_ in draft.board.places(tenant.name) if id_ in known]
    if len(places) != 2 or len(draft.board.places(tenant.name)) != 2:
        return None
    old, new = sorted(places, key=lambda one: not one.draining)
    one_way = old.draining and not new.draining
    return (old, new) if one_way and may_hand_over(draft, tenant) else None


def under_way(draft: Draft) -> list[HandingOver]:
    """Return the hand-overs that were begun, those between the same machines as one."""
    found: dict[tuple[str, str], HandingOver] = {}
    for tenant in draft.movable():
        if ends := from_and_to(draft, tenant):
            old, new = ends
            key = (old.name, new.name)
            before = found[key].units if key in found else frozenset()
            found[key] = HandingOver(before | {tenant.name}, old, new)
    return list(found.values())

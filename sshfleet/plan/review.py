"""The review of placements: which of them end because their rules no longer hold.

Rule 1: a placement is judged by the unit's own rules alone, never by who answers or by load.
Rule 2: placements on machines that the inventory lacks, or whose ID is in dispute, are kept.
Rule 3: units are judged by rank, so that of two that conflict the younger gives way, and a unit
that gave way drives nobody else out; those that need it beside them leave with it.
Rule 4: of two copies of a unit that is not global the one that runs well stays; neither ends here
while a drain hands it over (`handing`).
Rule 5: a unit that replaces another on its machine pushes it off when that one can go elsewhere,
and leaves itself when not.
"""

from collections.abc import Iterable, Iterator

from sshfleet.model.health import Health, judge
from sshfleet.model.machine import MachineId
from sshfleet.plan.board import Board, Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.feasibility import OWN_RULES, reasons_against
from sshfleet.plan.handing import from_and_to
from sshfleet.plan.pushing import push_off
from sshfleet.plan.world import World

_SAID = 3  # reasons in the journal; `explain` has them all


def review(draft: Draft) -> None:
    """Let what may not stay leave its machine."""
    by_rank = sorted(draft.movable(), key=lambda tenant: tenant.rank)
    for tenant in by_rank:
        for machine in sorted(draft.board.places(tenant.name)):
            if reason := _no_longer(tenant, machine, draft.board):
                _end(draft, tenant, machine, reason)
        for machine, reason in _surplus(tenant, draft):
            _end(draft, tenant, machine, reason)
    _push(draft, [tenant for tenant in by_rank if tenant.rules.replaces])


def _no_longer(tenant: Tenant, machine: MachineId, board: Board) -> str:
    """Say why a unit may not stay on a machine where it stands; empty when it may."""
    candidate = board.roster.known.get(machine)
    if candidate is None:
        return ""
    return "; ".join(reasons_against(tenant, candidate, board, OWN_RULES)[:_SAID])


def _surplus(tenant: Tenant, draft: Draft) -> Iterator[tuple[MachineId, str]]:
    """Yield all places but one of a unit that may be on one machine only."""
    places, roster = draft.board.places(tenant.name), draft.board.roster
    if len(places) < 2 or tenant.rules.is_global or from_and_to(draft, tenant):
        return
    well = _well(tenant, places, draft.world)
    ranked = sorted(places, key=lambda one: (one not in well, one not in roster.known, one))
    for machine in ranked[1:]:
        yield machine, f"is not global any more and stays on {roster.called(ranked[0])}"


def _well(tenant: Tenant, places: Iterable[MachineId], world: World) -> frozenset[MachineId]:
    """Return those of the machines on which a unit was seen to be as wanted."""
    target = world.desired.units[tenant.name].target
    answers = {id_: answer[1] for id_ in places if (answer := world.answer_of(id_))}
    states = {id_: report.units.get(tenant.name) for id_, report in answers.items()}
    return frozenset(
        id_ for id_, state in states.items() if state and judge(state, target).health is Health.OK
    )


def _push(draft: Draft, pushing: Iterable[Tenant]) -> None:
    """Let units that replace others push them off where both stand, as far as machines answer."""
    for tenant in pushing:
        for machine in sorted(draft.board.places(tenant.name)):
            candidate = draft.board.roster.known.get(machine)
            if candidate and candidate.answered:
                mark = draft.board.mark()
                if why := push_off(draft, [tenant], machine):
                    draft.board.rewind(mark)
                    _end(draft, tenant, machine, why)


def _end(draft: Draft, tenant: Tenant, machine: MachineId, reason: str) -> None:
    """End a placement, and those on the same machine that it held up."""
    draft.take(machine, draft.with_followers({tenant.name: reason}, machine))

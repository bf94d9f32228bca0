"""Feasibility: may this unit be on that machine, and if not, why.

Rule 1: one judge for placed, new and global units; a placed unit answers to OWN_RULES only.
Rule 2: every rule always answers, so that people see all reasons and not just the first.
Rule 3: "it cannot be reached" is a reason against a machine, never a reason to leave it.
Rule 4: what a machine would have to lose is not judged here: `pushing` says whether the units that
a newcomer with Replaces= pushes off find another machine.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from sshfleet.model.unit import UnitName
from sshfleet.plan.board import NEWCOMER, Board, Tenant
from sshfleet.plan.roster import Candidate

Rule = Callable[[Tenant, Candidate, Board], Sequence[str]]

_SHORT_ID = 8
_SHOWN = 3  # a machine full of conflicting units needs no line for each


def reasons_against(
    tenant: Tenant, candidate: Candidate, board: Board, rules: tuple[Rule, ...]
) -> tuple[str, ...]:
    """Return all that speaks against a unit on a machine, in the order of the rules."""
    reasons: list[str] = []
    for rule in rules:
        reasons += rule(tenant, candidate, board)
    return tuple(reasons)


def machine_can_be_used(_tenant: Tenant, candidate: Candidate, _board: Board) -> Sequence[str]:
    """Bar machines that did not answer or whose identity is in doubt."""
    return candidate.troubles


def machine_is_open(_tenant: Tenant, candidate: Candidate, _board: Board) -> Sequence[str]:
    """Bar machines that the user cordoned or drains; neither is a reason to leave them."""
    if candidate.draining:
        return ("is being drained",)
    return ("is cordoned",) if candidate.cordoned else ()


def machine_id_is_the_one(tenant: Tenant, candidate: Candidate, _board: Board) -> Sequence[str]:
    """Obey MachineID=, a full ID or its first 8 digits."""
    wanted = tenant.rules.machine_id
    if not wanted or (candidate.id and wanted in (candidate.id, candidate.id[:_SHORT_ID])):
        return ()
    return (f"its machine ID is {candidate.id or 'not known'}, not {wanted}",)


def metadata_fits(tenant: Tenant, candidate: Candidate, _board: Board) -> Sequence[str]:
    """Obey MachineMetadata=: one of the values asked for of each key."""
    asked = tenant.rules.metadata
    if not asked:
        return ()
    keys = dict.fromkeys(key for key, _ in asked)
    return [reason for key in keys if (reason := _misfit(key, asked, candidate))]


def _misfit(key: str, asked: tuple[tuple[str, str], ...], candidate: Candidate) -> str:
    wanted = [value for other, value in asked if other == key]
    found = candidate.metadata.get(key, "")
    if not found:
        return f"has no metadata {key}"
    return "" if found in wanted else f"{key} is {found}, not {' or '.join(wanted)}"


def peers_are_here(tenant: Tenant, candidate: Candidate, board: Board) -> Sequence[str]:
    """Obey MachineOf=: every peer is placed on the machine, though it need not run."""
    peers = tenant.rules.machine_of
    if not peers:
        return ()
    return [
        f"needs {peer} here; {_whereabouts(peer, board)}"
        for peer in peers
        if peer != tenant.name and candidate.id not in board.places(UnitName(peer))
    ]


def _whereabouts(peer: str, board: Board) -> str:
    places = sorted(board.places(UnitName(peer)))
    names = [board.roster.called(machine) for machine in places]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"it is on {', '.join(names[:_SHOWN])}{more}" if names else "it is placed nowhere"


def nothing_conflicts(tenant: Tenant, candidate: Candidate, board: Board) -> Sequence[str]:
    """Obey Conflicts= in both directions; only what outranks the unit counts."""
    clashes = board.clashes(tenant, candidate.id)
    if not clashes:
        return ()
    reasons = [
        f"conflicts with {clash.other} there (Conflicts={clash.pattern} of {clash.owner})"
        for clash in clashes[:_SHOWN]
    ]
    if len(clashes) > _SHOWN:
        reasons.append(f"conflicts with {len(clashes) - _SHOWN} more units there")
    return reasons


def nothing_replaces_it(tenant: Tenant, candidate: Candidate, board: Board) -> Sequence[str]:
    """Bar machines with a unit that pushes this one off; it stays where nobody can be asked."""
    if tenant.rank != NEWCOMER and not candidate.answered:
        return ()
    return [
        f"is replaced there by {one.owner} (Replaces={one.pattern} of {one.owner})"
        for one in board.replacing(tenant, candidate.id)[:_SHOWN]
    ]


def replaces_in_no_circle(tenant: Tenant, _candidate: Candidate, board: Board) -> Sequence[str]:
    """Bar units whose Replaces= comes back to themselves: they would push each other for ever."""
    way = board.rings.way(tenant.name) if tenant.rules.replaces else ()
    return [f"Replaces goes in a circle: {' replaces '.join(way)}"] if way else ()


def name_is_free(tenant: Tenant, candidate: Candidate, _board: Board) -> Sequence[str]:
    """Bar machines that have a unit of this name from elsewhere: it is never overwritten."""
    reason = candidate.taken.get(tenant.name)
    return (reason,) if reason else ()


def runs_nowhere_else(tenant: Tenant, candidate: Candidate, _board: Board) -> Sequence[str]:
    """Bar a second copy while a machine that may still run the first cannot be asked."""
    away = tenant.past.away
    if not away:
        return ()
    return [f"may still run on {away[m]}" for m in sorted(away) if m != candidate.id]


OWN_RULES: tuple[Rule, ...] = (
    machine_id_is_the_one,
    metadata_fits,
    peers_are_here,
    nothing_conflicts,
    nothing_replaces_it,
)
SILENT_RULES: tuple[Rule, ...] = (machine_is_open, *OWN_RULES)  # what needs no answer to judge
NEWCOMER_RULES: tuple[Rule, ...] = (
    machine_can_be_used,
    machine_is_open,
    *OWN_RULES,
    replaces_in_no_circle,
    name_is_free,
    runs_nowhere_else,
)


def qualifying(
    tenant: Tenant,
    candidates: Iterable[Candidate],
    board: Board,
    rules: tuple[Rule, ...] = NEWCOMER_RULES,
) -> list[Candidate]:
    """Return the machines that may take a new unit; the judge's answer without its reasons."""
    # Most pairs are asked only this, 500 units × 1,000 machines of them: leave out the rules that
    # no machine can break for this unit, and stop at the first reason.
    needed = [rule for rule in rules if rule not in _USES or _USES[rule](tenant, board)]
    crowded = board.crowded(tenant) if nothing_conflicts in rules else set()
    found = []
    for candidate in candidates:
        for rule in needed:
            if rule(tenant, candidate, board):
                break
        else:
            if candidate.id not in crowded or not nothing_conflicts(tenant, candidate, board):
                found.append(candidate)
    return found


_USES: Mapping[Rule, Callable[[Tenant, Board], object]] = {
    machine_id_is_the_one: lambda tenant, _: tenant.rules.machine_id,
    metadata_fits: lambda tenant, _: tenant.rules.metadata,
    peers_are_here: lambda tenant, _: tenant.rules.machine_of,
    nothing_conflicts: lambda _, __: False,  # few machines are left to ask: see there
    nothing_replaces_it: lambda tenant, board: board.may_be_replaced(tenant),
    replaces_in_no_circle: lambda tenant, _: tenant.rules.replaces,
    name_is_free: lambda tenant, board: tenant.name in board.roster.taken,
    runs_nowhere_else: lambda tenant, _: tenant.past.away,
}

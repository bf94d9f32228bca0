"""The scheduler: where units are to be, given where they are.

Rule 1: only units of the scope move; all others stand on the board as load, peers and conflicts.
Rule 2: what no longer holds ends first (`review`), then newcomers are placed one by one, each seen
by the next: peers first, then by name; least loaded machine first, then by machine ID.
Rule 3: a unit that cannot be placed is an answer with each machine's reasons, not a wait.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sshfleet.model.action import Unplaceable
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineName
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName, is_template
from sshfleet.plan.board import FIXED, NEWCOMER, Board, Past, Tenant
from sshfleet.plan.feasibility import NEWCOMER_RULES, qualifies, reasons_against
from sshfleet.plan.order import circles, peers_first
from sshfleet.plan.ranking import best
from sshfleet.plan.review import review
from sshfleet.plan.roster import Candidate, Roster, roster_of
from sshfleet.plan.world import World

_NO_RULES = Requirements()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Placements that end, then placements that begin, and what can be placed nowhere."""

    events: tuple[UnitPlaced | UnitUnplaced, ...]
    unplaceable: tuple[Unplaceable, ...]


def schedule(world: World, scope: frozenset[UnitName]) -> Schedule:
    """Decide placements for the units of `scope`; change nothing where all rules hold."""
    tenants = _tenants(world, scope)
    board = Board(roster_of(world))
    for name, tenant in tenants.items():
        board.put(tenant, world.desired.units[name].placements)
    movable = [tenant for tenant in tenants.values() if tenant.rank != FIXED]
    ended = review(movable, board)
    draft = _Draft(board, world.desired.generation)
    for newcomer in _newcomers(world, movable, board):
        draft.settle(newcomer)
    return Schedule((*ended, *draft.placed), draft.answers())


def _tenants(world: World, scope: frozenset[UnitName]) -> dict[UnitName, Tenant]:
    """Return the units that belong on machines; those outside the scope, or whose text could not
    be read, do not move."""
    tenants = {}
    for name, wanted in world.desired.units.items():
        if wanted.target.on_machine:
            unit = world.units.get(name)
            rules = unit.requirements if unit else _NO_RULES
            rank = (wanted.generation, name) if unit and name in scope else FIXED
            tenants[name] = Tenant(name, rules, rank)
    return tenants


def _newcomers(world: World, movable: Iterable[Tenant], board: Board) -> Iterator[Tenant]:
    """Yield the units that may get a machine, in the order in which they are to choose."""
    new = {
        tenant.name: tenant
        for tenant in movable
        if (tenant.rules.is_global or not board.places(tenant.name))
        and not is_template(tenant.name)
    }
    peers = {
        name: [UnitName(peer) for peer in tenant.rules.machine_of if peer in new]
        for name, tenant in new.items()
    }
    rounds = circles(peers)
    for name in peers_first(peers):
        past = _past(world.desired.units[name], new[name].rules, board.roster)
        way = rounds.get(name)
        shown = f"MachineOf goes in a circle: {' needs '.join(way)}" if way else ""
        yield replace(new[name], rank=NEWCOMER, past=past, circle=shown)


def _past(wanted: DesiredUnit, rules: Requirements, roster: Roster) -> Past:
    holders = wanted.holders | wanted.placements
    if rules.is_global:  # it may run everywhere at once
        return Past(holders=holders)
    reasons = {machine: roster.why_not_reached(machine) for machine in holders}
    away = {machine: reason for machine, reason in reasons.items() if reason}
    return Past(holders=holders, away=away)


@dataclass(slots=True)
class _Draft:
    """A schedule in the making: the board, and what was decided so far."""

    board: Board
    generation: int
    placed: list[UnitPlaced] = field(default_factory=list)
    homeless: list[Tenant] = field(default_factory=list)

    def settle(self, newcomer: Tenant) -> None:
        """Place a unit: a global one wherever it may be, any other on the best machine."""
        candidates = self.board.roster.candidates
        fit = [c for c in candidates if qualifies(newcomer, c, self.board)]
        if newcomer.rules.is_global:
            for candidate in fit:
                if candidate.id not in self.board.places(newcomer.name):
                    self._place(newcomer, candidate, "global, and the machine qualifies")
        elif fit:
            self._place(newcomer, *best(newcomer, fit, self.board))
        if not self.board.places(newcomer.name):
            self.homeless.append(newcomer)

    def answers(self) -> tuple[Unplaceable, ...]:
        """Say why units are nowhere, as things stand once all others are placed; by name."""
        by_name = sorted(self.homeless, key=lambda tenant: tenant.name)
        return tuple(Unplaceable(each.name, self._reasons(each)) for each in by_name)

    def _place(self, newcomer: Tenant, candidate: Candidate, reason: str) -> None:
        self.generation += 1
        tenant = replace(newcomer, rank=(self.generation, newcomer.name))
        self.board.put(tenant, frozenset((candidate.id,)))
        self.placed.append(UnitPlaced(newcomer.name, candidate.id, self.generation, reason))

    def _reasons(self, newcomer: Tenant) -> dict[MachineName, tuple[str, ...]]:
        return {
            candidate.name: reasons_against(newcomer, candidate, self.board, NEWCOMER_RULES)
            for candidate in self.board.roster.candidates
        }

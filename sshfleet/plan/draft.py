"""A schedule in the making: the board, who left a machine and why, who came to one and why.

Rule 1: what counts in the end is where units stand then and stood before; what happened between,
or was tried and taken back, leaves no event.
Rule 2: a unit whose peer leaves a machine leaves it too, inside the scope or not.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.machine import FailoverMode, MachineId
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName
from sshfleet.plan.board import FIXED, NEWCOMER, Board, Past, Tenant
from sshfleet.plan.mode import mode_of
from sshfleet.plan.rings import Rings
from sshfleet.plan.roster import roster_of
from sshfleet.plan.world import World

_NO_RULES = Requirements()


@dataclass(frozen=True, slots=True)
class Leaving:
    """Why a unit leaves a machine; `after` names the peer that it follows."""

    why: str
    after: UnitName | None = None


class Draft:
    """The units that belong on machines, on a board where they may be moved."""

    def __init__(self, world: World, scope: frozenset[UnitName]) -> None:
        self.world = world
        self.tenants = _tenants(world, scope)
        replaces = {n: t.rules.replaces for n, t in self.tenants.items() if t.rules.replaces}
        self.board = Board(roster_of(world), Rings(replaces))
        for name, tenant in self.tenants.items():
            self.board.seat(tenant, world.desired.units[name].placements)
        self._followers = _followers(self.tenants)
        self._turn = world.desired.generation
        self._left: dict[tuple[UnitName, MachineId], Leaving] = {}
        self._came: dict[tuple[UnitName, MachineId], tuple[int, str]] = {}

    def movable(self) -> list[Tenant]:
        """Return the units of the scope; all others only give way to them or follow them."""
        return [tenant for tenant in self.tenants.values() if tenant.rank != FIXED]

    def newcomer(self, name: UnitName) -> Tenant:
        """Return a unit as one that is to be given a machine."""
        return self.tenants[name]._replace(rank=NEWCOMER, past=self._past(name))

    def put(self, tenant: Tenant, machine: MachineId, reason: str) -> None:
        """Let a unit stand on a machine from now on."""
        self._turn += 1
        self._came[tenant.name, machine] = (self._turn, reason)
        rank = (self._turn, tenant.name)
        self.board.put(tenant._replace(rank=rank), frozenset((machine,)))

    def take(self, machine: MachineId, leaving: Mapping[UnitName, Leaving]) -> None:
        """Let units leave a machine."""
        for name, why in leaving.items():
            self.board.take(name, machine)
            self._left[name, machine] = why

    def followers(self, peer: UnitName) -> list[UnitName]:
        """Return the units whose MachineOf= names a unit, by name."""
        return self._followers.get(peer, [])

    def with_followers(
        self, leaving: Mapping[UnitName, str], machine: MachineId
    ) -> dict[UnitName, Leaving]:
        """Return all that must leave a machine together: those given, and who follows them there.

        On a machine that nobody knows (any more) followers are not judged: they stay.
        """
        found = {name: Leaving(why) for name, why in leaving.items()}
        queue = deque(found if machine in self.board.roster.known else ())
        while queue:
            peer = queue.popleft()
            for follower in self.followers(peer):
                if follower not in found and machine in self.board.places(follower):
                    found[follower] = Leaving("", after=peer)
                    queue.append(follower)
        return found

    def is_homeless(self, name: UnitName) -> bool:
        """Tell whether a unit stands nowhere and needs a place (a global unit needs none)."""
        return not self.tenants[name].rules.is_global and not self.board.places(name)

    def displaced(self) -> list[UnitName]:
        """Return the units that left a machine and need another."""
        names = dict.fromkeys(name for name, _ in self._left)
        return [name for name in names if self.is_homeless(name)]

    def events(self) -> tuple[UnitPlaced | UnitUnplaced, ...]:
        """Tell what became of it: placements that end, then those that begin, in their order."""
        ended = [
            UnitUnplaced(name, machine, self._why_left(name, machine))
            for name, machine in self._left
            if machine in self._before(name) and machine not in self.board.places(name)
        ]
        begun = sorted(
            (turn, name, machine)
            for (name, machine), (turn, _) in self._came.items()
            if machine in self.board.places(name) and machine not in self._before(name)
        )
        return (*ended, *self._numbered(begun))

    def _numbered(self, begun: Iterable[tuple[int, UnitName, MachineId]]) -> Iterator[UnitPlaced]:
        first = self.world.desired.generation + 1
        for generation, (_, name, machine) in enumerate(begun, start=first):
            mode = mode_of(self.world.units[name], self.world.fleet.failover)
            failover = "" if mode is FailoverMode.MANUAL else mode.value
            yield UnitPlaced(name, machine, generation, self._why_came(name, machine), failover)

    def _why_left(self, name: UnitName, machine: MachineId) -> str:
        leaving = self._left[name, machine]
        if leaving.after is None:
            return leaving.why
        for there in sorted(self.board.places(name) & self.board.places(leaving.after)):
            return f"follows {leaving.after} to {self.board.roster.called(there)}"
        return f"needs {leaving.after} here, which leaves"

    def _why_came(self, name: UnitName, machine: MachineId) -> str:
        _, reason = self._came[name, machine]
        if self.tenants[name].rules.is_global:
            return reason
        gone = sorted(self._before(name) - self.board.places(name))
        if not gone:
            return reason
        return f"{reason}; leaves {self.board.roster.called(gone[0])}: " + self._why_left(
            name, gone[0]
        )

    def _before(self, name: UnitName) -> frozenset[MachineId]:
        return self.world.desired.units[name].placements

    def _past(self, name: UnitName) -> Past:
        wanted = self.world.desired.units[name]
        holders = (wanted.holders | wanted.placements) - wanted.given_up
        if self.tenants[name].rules.is_global:  # it may run everywhere at once
            return Past(holders=holders)
        reasons = {machine: self.board.roster.why_not_reached(machine) for machine in holders}
        away = {machine: reason for machine, reason in reasons.items() if reason}
        return Past(holders=holders, away=away)


def _tenants(world: World, scope: frozenset[UnitName]) -> dict[UnitName, Tenant]:
    """Return the units that belong on machines; those outside the scope, or whose text could not
    be read, do not move of their own."""
    tenants = {}
    for name, wanted in world.desired.units.items():
        if wanted.target.on_machine:
            unit = world.units.get(name)
            rules = unit.requirements if unit else _NO_RULES
            rank = (wanted.generation, name) if unit and name in scope else FIXED
            tenants[name] = Tenant(name, rules, rank, unread=unit is None)
    return tenants


def _followers(tenants: Mapping[UnitName, Tenant]) -> dict[UnitName, list[UnitName]]:
    followers: dict[UnitName, list[UnitName]] = {}
    for name in sorted(name for name, tenant in tenants.items() if tenant.rules.machine_of):
        for peer in tenants[name].rules.machine_of:
            followers.setdefault(UnitName(peer), []).append(name)
    return followers

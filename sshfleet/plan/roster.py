"""The inventory's machines as the scheduler sees them: who they are and what speaks against them.

Rule 1: a machine's ID is what it answered with; silent machines keep the one the journal knows.
Rule 2: an ID that two names claim (a cloned disk) is in dispute: nothing new goes there, and what
stands there is not judged, because nobody can say whose metadata holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sshfleet.model.machine import Machine, MachineId, MachineName
from sshfleet.model.observed import Reached, Report, UnitState
from sshfleet.model.unit import UnitName
from sshfleet.plan.world import World

NOBODY = MachineId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An inventory machine that may be asked to run a unit.

    `id` is empty when it was never seen. `twin` is another name with the same ID. `troubles` bar
    every new unit, and so do `cordoned` and `draining`; `taken` tells of which names the machine
    has a unit that is not ours.
    """

    name: MachineName
    id: MachineId
    metadata: Mapping[str, str]
    answered: bool
    twin: MachineName
    troubles: tuple[str, ...]
    cordoned: bool = False
    draining: bool = False
    taken: Mapping[UnitName, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Roster:
    """All candidates in the order of the inventory; `known` has those whose ID is undisputed,
    `taken` the names of which some machine has a unit that is not ours."""

    candidates: tuple[Candidate, ...]
    known: Mapping[MachineId, Candidate]
    taken: frozenset[UnitName]

    def called(self, machine: MachineId) -> str:
        """Name a machine for people: as the inventory does, else by the start of its ID."""
        claims = self.claimants(machine)
        return claims[0].name if claims else f"{machine[:8]}..."

    def claimants(self, machine: MachineId) -> tuple[Candidate, ...]:
        """Return who has this ID: none, one, or several in dispute."""
        if candidate := self.known.get(machine):
            return (candidate,)
        return tuple(c for c in self.candidates if c.id == machine)

    def why_not_reached(self, machine: MachineId) -> str:
        """Say why nobody can tell what runs on a machine; empty when it answered."""
        claims = self.claimants(machine)
        if not claims:
            return f"{machine[:8]}..., which is not in the inventory"
        first = claims[0]
        if first.twin:
            return f"{first.name}, whose machine ID is also that of {first.twin}"
        return "" if first.answered else f"{first.name}, which cannot be reached"


def roster_of(world: World) -> Roster:
    """List the inventory's machines with what the latest look and the journal know of them."""
    ids: dict[MachineName, MachineId] = {}
    claims: dict[MachineId, list[MachineName]] = {}
    for machine in world.fleet.machines:
        report = world.observed.reports.get(machine.name)
        seen = report.machine if isinstance(report, Reached) else world.desired.id_of(machine.name)
        ids[machine.name] = seen or NOBODY
        if seen:
            claims.setdefault(seen, []).append(machine.name)
    candidates = tuple(
        _candidate(world, machine, ids[machine.name], claims) for machine in world.fleet.machines
    )
    known = {c.id: c for c in candidates if c.id and not c.twin}
    return Roster(candidates, known, frozenset(name for c in candidates for name in c.taken))


def _candidate(
    world: World, machine: Machine, id_: MachineId, claims: Mapping[MachineId, list[MachineName]]
) -> Candidate:
    report = world.observed.reports.get(machine.name)
    twin = next((name for name in claims.get(id_, ()) if name != machine.name), MachineName(""))
    reached = isinstance(report, Reached)
    return Candidate(
        name=machine.name,
        id=id_,
        metadata=machine.metadata,
        answered=reached,
        twin=twin,
        troubles=(*_unreachable(report), *_doubtful(twin), *_mistaken(machine, report)),
        cordoned=machine.name in world.desired.cordoned,
        draining=machine.name in world.desired.draining,
        taken=dict(_taken(report, world.desired.lineage)) if isinstance(report, Reached) else {},
    )


def _unreachable(report: Report | None) -> Iterator[str]:
    if report is None:
        yield "unreachable: it was not asked"
    elif not isinstance(report, Reached):
        yield f"unreachable: {report.detail or report.trouble}"


def _doubtful(twin: MachineName) -> Iterator[str]:
    if twin:
        yield f"its machine ID is also that of {twin}"


def _mistaken(machine: Machine, report: Report | None) -> Iterator[str]:
    if machine.machine_id and isinstance(report, Reached) and report.machine != machine.machine_id:
        yield f"its machine ID is {report.machine}, but the inventory says {machine.machine_id}"


def _taken(report: Reached, lineage: str) -> Iterator[tuple[UnitName, str]]:
    for name, state in report.units.items():
        if reason := _not_ours(state, lineage):
            yield name, reason


def _not_ours(state: UnitState, lineage: str) -> str:
    if not state.sha256 and state.load not in ("not-found", ""):
        return f"the name is taken by {state.fragment or 'a unit that is not ours'}"
    if lineage and state.record and state.record.lineage != lineage:
        return "belongs to another journal there"
    return ""

"""Fleet's rules once more, brute force and without an index, to hold the scheduler against."""

from collections.abc import Iterator

from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import Machine, MachineId
from sshfleet.model.observed import Reached
from sshfleet.model.unit import UnitName, is_template
from sshfleet.plan.world import World
from sshfleet.unitfile.glob import matches


def movable(of: World, scope: frozenset[UnitName]) -> list[UnitName]:
    """Return the units of a scope that belong on machines."""
    known = [name for name in scope if name in of.units and name in of.desired.units]
    return sorted(name for name in known if of.desired.units[name].target.on_machine)


def placeable(of: World, scope: frozenset[UnitName]) -> list[UnitName]:
    """Return those of them that may get a place."""
    return [name for name in movable(of, scope) if not is_template(name)]


def id_of(of: World, entry: Machine) -> MachineId | None:
    """Return what a machine answered with, else what the journal knows."""
    report = of.observed.reports.get(entry.name)
    return report.machine if isinstance(report, Reached) else of.desired.id_of(entry.name)


def owners(of: World, machine: MachineId) -> list[Machine]:
    """Return the inventory entries with an ID; more than one is a dispute."""
    return [entry for entry in of.fleet.machines if id_of(of, entry) == machine]


def can_be_asked(of: World, machine: MachineId) -> bool:
    """Tell whether exactly one machine has the ID and it answered."""
    having = owners(of, machine)
    return len(having) == 1 and isinstance(of.observed.reports.get(having[0].name), Reached)


def residents(state: DesiredState, machine: MachineId) -> Iterator[UnitName]:
    """Yield the units that stand on a machine."""
    for name, wanted in state.units.items():
        if wanted.target.on_machine and machine in wanted.placements:
            yield name


def in_conflict(of: World, one: UnitName, other: UnitName) -> bool:
    """Tell whether either of two units forbids the other."""
    pairs = ((one, other), (other, one))
    return one != other and any(
        matches(glob, victim) for owner, victim in pairs for glob in conflicts(of, owner)
    )


def conflicts(of: World, name: UnitName) -> tuple[str, ...]:
    """Return a unit's globs."""
    return of.units[name].requirements.conflicts if name in of.units else ()


def misfit(of: World, name: UnitName, entry: Machine) -> bool:
    """Tell whether a machine fails what a unit asks of the machine itself."""
    rules, id_ = of.units[name].requirements, id_of(of, entry) or ""
    asked = {key for key, _ in rules.metadata}
    fitting = {key for key, value in rules.metadata if entry.metadata.get(key) == value}
    other_id = bool(rules.machine_id) and rules.machine_id not in (id_, id_[:8])
    return other_id or asked != fitting


def lonely(of: World, name: UnitName, machine: MachineId) -> bool:
    """Tell whether a peer that a unit needs is not on the machine."""
    there = set(residents(of.desired, machine))
    return not there.issuperset(map(UnitName, of.units[name].requirements.machine_of))


def clashing(of: World, name: UnitName, machine: MachineId) -> list[UnitName]:
    """Return the units on a machine that a unit cannot be with."""
    return [other for other in residents(of.desired, machine) if in_conflict(of, name, other)]


def own_rules_hold(of: World, name: UnitName, entry: Machine) -> bool:
    """Tell whether a unit may be on a machine by its own rules."""
    id_ = id_of(of, entry) or MachineId("")
    return not (misfit(of, name, entry) or lonely(of, name, id_) or clashing(of, name, id_))


def may_be_given(of: World, name: UnitName, entry: Machine) -> bool:
    """Tell whether a machine may take a unit that is not there."""
    report, wanted = of.observed.reports.get(entry.name), of.desired.units[name]
    if not isinstance(report, Reached) or not can_be_asked(of, report.machine):
        return False
    if entry.machine_id not in ("", report.machine) or not name_is_ours(of, name, report):
        return False
    elsewhere = () if of.units[name].requirements.is_global else wanted.holders - {report.machine}
    asked = all(can_be_asked(of, holder) for holder in elsewhere)
    return asked and own_rules_hold(of, name, entry)


def name_is_ours(of: World, name: UnitName, report: Reached) -> bool:
    """Tell whether a machine has either no unit of this name or one of this journal."""
    there = report.units.get(name)
    if there is None or there.load in ("", "not-found"):
        return True
    return (
        bool(there.sha256)
        and there.record is not None
        and (there.record.lineage == of.desired.lineage)
    )

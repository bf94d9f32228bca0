"""Fleet's rules once more, brute force and without an index, to hold the scheduler against."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.machine import Machine, MachineId
from sshfleet.model.observed import Reached
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName, is_template
from sshfleet.plan.world import World
from sshfleet.unitfile.glob import matches

NOTHING = Requirements()


def movable(of: World, scope: Iterable[UnitName]) -> list[UnitName]:
    """Return the units of a scope that belong on machines."""
    known = [name for name in scope if name in of.units and name in of.desired.units]
    return sorted(name for name in known if of.desired.units[name].target.on_machine)


def placeable(of: World, scope: Iterable[UnitName]) -> list[UnitName]:
    """Return those of them that may get a place."""
    return [name for name in movable(of, scope) if not is_template(name)]


def rules(of: World, name: UnitName) -> Requirements:
    """Return what a unit asks for; of one that cannot be read nothing is known."""
    return of.units[name].requirements if name in of.units else NOTHING


def peers(of: World, name: UnitName) -> list[UnitName]:
    """Return the units that a unit needs beside it."""
    return [UnitName(peer) for peer in rules(of, name).machine_of]


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
        matches(glob, victim) for owner, victim in pairs for glob in rules(of, owner).conflicts
    )


def pushes(of: World, one: UnitName, other: UnitName) -> bool:
    """Tell whether a unit pushes another off; in a circle nobody does."""
    return replaces(of, one, other) and not in_circle(of, one, other)


def replaces(of: World, one: UnitName, other: UnitName) -> bool:
    """Tell whether the Replaces= of a unit matches another."""
    return one != other and any(matches(glob, other) for glob in rules(of, one).replaces)


def in_circle(of: World, one: UnitName, other: UnitName) -> bool:
    """Tell whether each of two units replaces the other, directly or by way of others."""
    replaced = _replaced(of)
    return other in replaced.get(one, ()) and one in replaced.get(other, ())


def _replaced(of: World) -> dict[UnitName, frozenset[UnitName]]:
    wanted = movable(of, of.desired.units)
    pushing_ = [(name, globs) for name in wanted if (globs := rules(of, name).replaces)]
    return _reached(tuple(pushing_))


@lru_cache(maxsize=8)  # large fleets are asked thousands of times
def _reached(
    pushing_: tuple[tuple[UnitName, tuple[str, ...]], ...],
) -> dict[UnitName, frozenset[UnitName]]:
    """Map units to all that they push off, directly or by way of others; only those that push."""
    found = {
        one: {o for o, _ in pushing_ if o != one and any(matches(glob, o) for glob in globs)}
        for one, globs in pushing_
    }
    for middle in found:
        for one, others in found.items():
            if middle in others:
                found[one] = others | found[middle]
    return {one: frozenset(others) for one, others in found.items()}


def misfit(of: World, name: UnitName, entry: Machine) -> bool:
    """Tell whether a machine fails what a unit asks of the machine itself."""
    asked, id_ = rules(of, name), id_of(of, entry) or ""
    keys = {key for key, _ in asked.metadata}
    fitting = {key for key, value in asked.metadata if entry.metadata.get(key) == value}
    other_id = bool(asked.machine_id) and asked.machine_id not in (id_, id_[:8])
    return other_id or keys != fitting


def lonely(of: World, name: UnitName, machine: MachineId) -> bool:
    """Tell whether a peer that a unit needs is not on the machine."""
    return not {name, *residents(of.desired, machine)}.issuperset(peers(of, name))


def clashing(of: World, name: UnitName, machine: MachineId) -> list[UnitName]:
    """Return the units on a machine that a unit cannot be with."""
    return [other for other in residents(of.desired, machine) if in_conflict(of, name, other)]


def pushing(of: World, name: UnitName, machine: MachineId) -> list[UnitName]:
    """Return the units on a machine that push a unit off."""
    return [other for other in residents(of.desired, machine) if pushes(of, other, name)]


def pushed(of: World, name: UnitName, machine: MachineId) -> list[UnitName]:
    """Return the units on a machine that a unit pushes off."""
    return [other for other in residents(of.desired, machine) if pushes(of, name, other)]


def own_rules_hold(of: World, name: UnitName, entry: Machine) -> bool:
    """Tell whether a unit may be on a machine by its own rules."""
    id_ = id_of(of, entry) or MachineId("")
    return not (misfit(of, name, entry) or lonely(of, name, id_) or clashing(of, name, id_))


def may_be_given(of: World, name: UnitName, entry: Machine) -> bool:
    """Tell whether a machine may take a unit, who would have to leave for it left aside."""
    report, wanted = of.observed.reports.get(entry.name), of.desired.units[name]
    if not isinstance(report, Reached) or not can_be_asked(of, report.machine):
        return False
    if entry.machine_id not in ("", report.machine) or not name_is_ours(of, name, report):
        return False
    if entry.name in of.desired.cordoned or pushing(of, name, report.machine):
        return False
    elsewhere = () if rules(of, name).is_global else wanted.holders - {report.machine}
    asked = all(can_be_asked(of, holder) for holder in elsewhere)
    circular = in_circle(of, name, name)
    return asked and not circular and own_rules_hold(of, name, entry)


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


def has_a_way_in(
    of: World, names: frozenset[UnitName], entry: Machine, moved: frozenset[UnitName] = frozenset()
) -> bool:
    """Find a way to put units on a machine as one, trying out where those pushed off could go.

    Where several groups would have to leave at once, none is looked for.
    """
    machine = id_of(of, entry)
    if machine is None:
        return False
    then = with_units(of, names, machine)
    if not all(may_be_given(then, name, entry) for name in names):
        return False
    victims = {other for name in names for other in pushed(then, name, machine)}
    leaving = following(then, victims, machine)
    if leaving & (names | moved):
        return False
    cleared = without_units(then, leaving, machine)
    groups = parts(of, [name for name in leaving if not rules(of, name).is_global])
    if len(groups) > 1:
        return False
    others = [other for other in of.fleet.machines if other != entry]
    return all(
        any(has_a_way_in(cleared, group, other, moved | names) for other in others)
        for group in groups
    )


def needed(of: World, name: UnitName, homeless: Iterable[UnitName]) -> frozenset[UnitName]:
    """Return a unit and all homeless ones that it needs beside it."""
    among, found = set(homeless), {name}
    for here in (queue := [name]):
        fresh = [peer for peer in peers(of, here) if peer in among - found]
        found.update(fresh)
        queue += fresh
    return frozenset(found)


def following(of: World, names: Iterable[UnitName], machine: MachineId) -> frozenset[UnitName]:
    """Return units and all that follow them on a machine."""
    found = set(names)
    for here in (queue := [*found]):
        there = residents(of.desired, machine)
        fresh = [other for other in there if here in peers(of, other) and other not in found]
        found.update(fresh)
        queue += fresh
    return frozenset(found)


def parts(of: World, names: Iterable[UnitName]) -> list[frozenset[UnitName]]:
    """Part units into those that need each other."""
    groups = [frozenset({name}) for name in names]
    for name in names:
        for peer in peers(of, name):
            touching = [group for group in groups if name in group or peer in group]
            if any(peer in group for group in touching):
                rest = [group for group in groups if group not in touching]
                groups = [*rest, frozenset().union(*touching)]
    return groups


def with_units(of: World, names: Iterable[UnitName], machine: MachineId) -> World:
    """Return the world with units put on a machine."""
    events = [UnitPlaced(name, machine, of.desired.generation + 1, "") for name in names]
    return replace(of, desired=fold(of.desired, events))


def without_units(of: World, names: Iterable[UnitName], machine: MachineId) -> World:
    """Return the world with units taken from a machine."""
    return replace(
        of, desired=fold(of.desired, [UnitUnplaced(name, machine, "") for name in names])
    )

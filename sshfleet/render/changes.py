"""A plan as the changes a person cares about: one for each unit and machine, and why.

Rule 1: what one machine does to one unit is one change, be it three actions.
Rule 2: what changes in the journal alone is told too, unless a change on a machine says it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sshfleet.model.action import Action, Plan, Verb
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import Event, TargetState, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineId
from sshfleet.model.observed import Observed
from sshfleet.model.unit import UnitName


class Kind(StrEnum):
    """What happens, in the order in which a summary counts it."""

    START = "start"
    LOAD = "load"
    RESTART = "restart"
    UPDATE = "update"
    STOP = "stop"
    REMOVE = "remove"
    LOSE = "lose"
    REGISTER = "register"
    FORGET = "forget"
    CORDON = "cordon"
    DRAIN = "drain"
    UNCORDON = "uncordon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change. `machine` is empty when it is in the journal only, `unit` when it is about a
    machine as such."""

    kind: Kind
    unit: str = ""
    machine: str = ""
    machine_id: str = ""
    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the changes are told from: desired state before and after, and the look between."""

    before: DesiredState
    after: DesiredState
    observed: Observed


def changes(plan: Plan, seen: Seen) -> list[Change]:
    """List the changes of a plan, by unit; of a unit that moves, first where it leaves."""
    found = [*_on_machines(plan, seen)]
    found += placements(_waiting_to_come(plan), seen)
    named = {change.unit for change in found} | {item.unit for item in plan.away}
    found += _in_journal(seen, named)
    return in_order(found)


def _waiting_to_come(plan: Plan) -> Iterator[UnitPlaced]:
    """Yield placements for which nothing can be done before another unit has left the machine."""
    acted = {(action.unit, action.machine_id) for action in plan.actions}
    waiting = {item.unit for item in plan.waiting}
    for event in plan.decisions:
        if not isinstance(event, UnitPlaced) or (event.unit, event.machine) in acted:
            continue
        if event.unit in waiting:
            yield event


def in_order(found: Iterable[Change]) -> list[Change]:
    """Sort by unit; of a unit that moves, first where it leaves."""
    gone = (Kind.REMOVE, Kind.STOP, Kind.LOSE)
    return sorted(found, key=lambda one: (one.unit, one.kind not in gone, one.machine))


def placements(events: Iterable[Event], seen: Seen) -> Iterator[Change]:
    """Tell of decisions alone, where nobody looks what there is to be done for them."""
    names = {id_: name for id_, (name, _) in seen.observed.by_id().items()}
    for event in events:
        if not isinstance(event, UnitPlaced | UnitUnplaced):
            continue
        known = seen.after.machines.get(event.machine)
        launched = seen.after.units[event.unit].target is TargetState.LAUNCHED
        comes = Kind.START if launched else Kind.LOAD
        yield Change(
            kind=comes if isinstance(event, UnitPlaced) else Kind.REMOVE,
            unit=event.unit,
            machine=names.get(event.machine) or (known.name if known else "") or event.machine[:8],
            machine_id=event.machine,
            reason=event.reason,
        )


def counted(found: Iterable[Change]) -> dict[str, int]:
    """Count changes by kind; a unit that leaves one machine for another is one `move`."""
    found = list(found)
    left = Counter(one.unit for one in found if one.kind in (Kind.REMOVE, Kind.LOSE))
    came = Counter(one.unit for one in found if one.kind in (Kind.START, Kind.LOAD))
    counts = Counter(one.kind.value for one in found)
    for unit in sorted(left.keys() & came.keys()):
        kinds = [one.kind for one in found if one.unit == unit]
        for _ in range(min(left[unit], came[unit])):
            counts["move"] += 1
            counts[(Kind.LOSE if Kind.LOSE in kinds else Kind.REMOVE).value] -= 1
            counts[(Kind.START if Kind.START in kinds else Kind.LOAD).value] -= 1
    order = [*list(Kind)[:3], "move", *list(Kind)[3:]]
    return {str(kind): counts[str(kind)] for kind in order if counts[str(kind)] > 0}


def _on_machines(plan: Plan, seen: Seen) -> Iterator[Change]:
    grouped: dict[tuple[UnitName, str], dict[Verb, Action]] = {}
    for action in plan.actions:
        grouped.setdefault((action.unit, action.machine), {})[action.verb] = action
    waiting = {(item.unit, item.machine) for item in plan.waiting}
    placed = {(e.unit, e.machine): e.reason for e in plan.decisions if isinstance(e, UnitPlaced)}
    left = {(e.unit, e.machine): e.reason for e in plan.decisions if isinstance(e, UnitUnplaced)}
    for (unit, machine), actions in grouped.items():
        first = next(iter(actions.values()))
        key = (unit, first.machine_id)
        kind, reason = _told(actions, new=_is_new(key, seen), waits=(unit, machine) in waiting)
        if kind is Kind.REMOVE and first.target.on_machine:
            reason = left.get(key, reason)
        yield Change(
            kind=kind,
            unit=unit,
            machine=machine,
            machine_id=first.machine_id,
            reason=placed.get(key, reason) if kind in (Kind.START, Kind.LOAD) else reason,
        )


def _told(actions: Mapping[Verb, Action], *, new: bool, waits: bool) -> tuple[Kind, str]:
    """Make one of what a machine is to do to a unit; `waits`: a start follows a stop elsewhere."""
    install = actions.get(Verb.INSTALL)
    for verb, kind in ((Verb.REMOVE, Kind.REMOVE), (Verb.STOP, Kind.STOP)):
        if verb in actions:
            return kind, actions[verb].reason
    if restart := actions.get(Verb.RESTART):
        return Kind.RESTART, install.reason if install else restart.reason
    start = actions.get(Verb.START)
    if install and new:
        return (Kind.START if start or waits else Kind.LOAD), install.reason
    if start:
        return Kind.START, start.reason
    return Kind.UPDATE, install.reason if install else ""


def _is_new(key: tuple[UnitName, MachineId], seen: Seen) -> bool:
    unit, machine = key
    found = seen.observed.by_id().get(machine)
    state = found[1].units.get(unit) if found else None
    return state is None or not state.sha256


def _in_journal(seen: Seen, named: set[str]) -> Iterator[Change]:
    before, after = _registered(seen.before), _registered(seen.after)
    for name in sorted((before.keys() | after.keys()) - named):
        if name not in before:
            yield Change(kind=Kind.REGISTER, unit=name, reason="a new unit")
        elif name not in after:
            yield Change(kind=Kind.FORGET, unit=name, reason="destroyed")
        elif before[name] != after[name]:
            yield Change(kind=Kind.UPDATE, unit=name, reason="gets a new text")
    drained = seen.after.draining - seen.before.draining
    for machine in sorted(drained):
        yield Change(kind=Kind.DRAIN, machine=machine, reason="is to lose its units")
    was, is_ = seen.before.cordoned | drained, seen.after.cordoned
    for machine in sorted(is_ - was):
        yield Change(kind=Kind.CORDON, machine=machine, reason="takes no more units")
    for machine in sorted(was - is_):
        yield Change(kind=Kind.UNCORDON, machine=machine, reason="takes units again")


def _registered(state: DesiredState) -> dict[UnitName, str]:
    units = state.units.values()
    return {unit.name: unit.content for unit in units if unit.target is not TargetState.ABSENT}

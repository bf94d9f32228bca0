"""The whole desired state as one record, which takes the place of all records before it.

Rule 1: a snapshot stands in the journal itself, as its first line. There are never two files
that must agree, and a reader sees either the old file or the new one.
Rule 2: it leaves out the texts no unit refers to. So the state of a journal that was compacted is
the state of its snapshot (`essential`), not the one from before.
Rule 3: what newer versions added (`_LATER`) is left out when empty, and may be missing: so old
snapshots stay readable, and old programs read what they can understand.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace

from sshfleet.journal.codec import (
    Json,
    Malformed,
    number,
    same_names,
    target_state,
    text,
    texts,
)
from sshfleet.model.desired import DesiredState, DesiredUnit, KnownMachine, Lease
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName

TYPE = "snapshot"

WORTHWHILE = 1024 * 1024
"""Bytes of events a journal may gather before it is compacted at all."""

# What newer versions added, with what it is when it is left out.
_LATER: Mapping[str, object] = {"cordoned": [], "draining": [], "leases": {}}
_LATER_OF_UNIT: Mapping[str, object] = {"dropins": {}, "given_up": [], "guarded": []}
_LATER_OF_MACHINE: Mapping[str, object] = {"marks": []}

_STATE = _LATER.keys() | {"type", "lineage", "generation", "units", "texts", "machines"}
_UNIT = _LATER_OF_UNIT.keys() | {
    *("sha256", "target", "generation", "placements", "holders", "restart")
}
_MACHINE = _LATER_OF_MACHINE.keys() | {"name", "address"}
_LEASE = frozenset({"boot", "until", "seconds", "number"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A record's event that is the outcome of all events before it."""

    state: DesiredState


def worth_it(events: int, snapshot: int) -> bool:
    """Tell whether to compact a journal of a snapshot and events after it, both in bytes.

    A state of any size is so written again only after as much was added: twice the work at most.
    """
    return events > max(WORTHWHILE, snapshot)


def essential(state: DesiredState) -> DesiredState:
    """Return the state without the texts that no unit refers to."""
    units = state.units.values()
    used = {sum for unit in units for sum in (unit.sha256, *unit.dropins.values())}
    return replace(state, texts={key: value for key, value in state.texts.items() if key in used})


def snapshot_to_dict(snapshot: Snapshot) -> Json:
    """Return a snapshot as a JSON object."""
    state = snapshot.state
    later: Json = {
        "cordoned": _sorted(state.cordoned),
        "draining": _sorted(state.draining),
        "leases": {text(id_): _lease_to_dict(lease) for id_, lease in state.leases.items()},
    }
    return _said(later) | {
        "type": TYPE,
        "lineage": text(state.lineage),
        "generation": number(state.generation),
        "units": {text(name): _unit_to_dict(unit) for name, unit in state.units.items()},
        "texts": texts(state.texts),
        "machines": {text(one.id): _machine_to_dict(one) for one in state.machines.values()},
    }


def _said(later: Json) -> Json:
    return {key: value for key, value in later.items() if value}


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(map(text, names))


def _machine_to_dict(known: KnownMachine) -> Json:
    later: Json = {"marks": list(map(text, known.marks))}
    return _said(later) | {"name": text(known.name), "address": text(known.address)}


def _lease_to_dict(lease: Lease) -> Json:
    return {
        "boot": text(lease.boot),
        "until": number(lease.until),
        "seconds": number(lease.seconds),
        "number": number(lease.number),
    }


def _unit_to_dict(unit: DesiredUnit) -> Json:
    later: Json = {
        "dropins": texts(unit.dropins),
        "given_up": _sorted(unit.given_up),
        "guarded": _sorted(unit.guarded),
    }
    return _said(later) | {
        "sha256": text(unit.sha256),
        "target": unit.target.value,
        "generation": number(unit.generation),
        "placements": _sorted(unit.placements),
        "holders": _sorted(unit.holders),
        "restart": texts(unit.restart),
    }


def snapshot_from_dict(data: Mapping[str, object]) -> Snapshot:
    """Return the snapshot a JSON object stands for; raise Malformed or TooNew."""
    data = {**_LATER, **data}
    same_names(data, _STATE, TYPE)
    units = _objects(data["units"], _UNIT, "a unit in a snapshot", _LATER_OF_UNIT)
    machines = _objects(data["machines"], _MACHINE, "a machine in a snapshot", _LATER_OF_MACHINE)
    leases = _objects(data["leases"], _LEASE, "a lease in a snapshot", {})
    return Snapshot(
        DesiredState(
            lineage=text(data["lineage"]),
            generation=number(data["generation"]),
            units={UnitName(name): _unit(UnitName(name), unit) for name, unit in units.items()},
            texts=texts(data["texts"]),
            machines={MachineId(key): _machine(key, known) for key, known in machines.items()},
            cordoned=frozenset(map(MachineName, _names(data["cordoned"]))),
            draining=frozenset(map(MachineName, _names(data["draining"]))),
            leases={MachineId(key): _lease(lease) for key, lease in leases.items()},
        )
    )


def _unit(name: UnitName, data: Mapping[str, object]) -> DesiredUnit:
    return DesiredUnit(
        name=name,
        sha256=text(data["sha256"]),
        target=target_state(data["target"]),
        generation=number(data["generation"]),
        placements=frozenset(map(MachineId, _names(data["placements"]))),
        holders=frozenset(map(MachineId, _names(data["holders"]))),
        restart={MachineId(key): value for key, value in texts(data["restart"]).items()},
        dropins=texts(data["dropins"]),
        given_up=frozenset(map(MachineId, _names(data["given_up"]))),
        guarded=frozenset(map(MachineId, _names(data["guarded"]))),
    )


def _lease(data: Mapping[str, object]) -> Lease:
    return Lease(
        text(data["boot"]),
        number(data["until"]),
        number(data["seconds"]),
        number(data["number"]),
    )


def _machine(key: str, data: Mapping[str, object]) -> KnownMachine:
    return KnownMachine(
        MachineId(key),
        MachineName(text(data["name"])),
        text(data["address"]),
        tuple(_names(data["marks"])),
    )


def _names(value: object) -> list[str]:
    if not isinstance(value, list):
        raise Malformed(f"{type(value).__name__} where a list of machines belongs")
    return [text(item) for item in value]


def _objects(
    value: object, known: Set[str], what: str, defaults: Mapping[str, object]
) -> dict[str, Mapping[str, object]]:
    if not isinstance(value, dict):
        raise Malformed(f"{type(value).__name__} where a mapping belongs")
    found: dict[str, Mapping[str, object]] = {}
    for key, item in value.items():
        if not isinstance(item, dict):
            raise Malformed(f"{type(item).__name__} where {what} belongs")
        found[key] = {**defaults, **item}
        same_names(found[key], known, what)
    return found

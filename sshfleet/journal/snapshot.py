"""The whole desired state as one record, which takes the place of all records before it.

Rule 1: a snapshot stands in the journal itself, as its first line. There are never two files
that must agree, and a reader sees either the old file or the new one.
Rule 2: it leaves out the texts no unit refers to. So the state of a journal that was compacted is
the state of its snapshot (`essential`), not the one from before.
Rule 3: what newer versions added (`cordoned`, `marks`) is left out when empty, and may be missing:
so old snapshots stay readable, and old programs read what they can understand.
"""

from collections.abc import Mapping
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
from sshfleet.model.desired import DesiredState, DesiredUnit, KnownMachine
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName

TYPE = "snapshot"

WORTHWHILE = 1024 * 1024
"""Bytes of events a journal may gather before it is compacted at all."""

_STATE = frozenset({"type", "lineage", "generation", "units", "texts", "machines", "cordoned"})
_UNIT = frozenset({"sha256", "dropins", "target", "generation", "placements", "holders", "restart"})
_MACHINE = frozenset({"name", "address", "marks"})


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
    cordoned = {"cordoned": sorted(map(text, state.cordoned))} if state.cordoned else {}
    return cordoned | {
        "type": TYPE,
        "lineage": text(state.lineage),
        "generation": number(state.generation),
        "units": {text(name): _unit_to_dict(unit) for name, unit in state.units.items()},
        "texts": texts(state.texts),
        "machines": {text(one.id): _machine_to_dict(one) for one in state.machines.values()},
    }


def _machine_to_dict(known: KnownMachine) -> Json:
    marks = {"marks": list(map(text, known.marks))} if known.marks else {}
    return marks | {"name": text(known.name), "address": text(known.address)}


def _unit_to_dict(unit: DesiredUnit) -> Json:
    dropins = {"dropins": texts(unit.dropins)} if unit.dropins else {}
    return dropins | {
        "sha256": text(unit.sha256),
        "target": unit.target.value,
        "generation": number(unit.generation),
        "placements": sorted(map(text, unit.placements)),
        "holders": sorted(map(text, unit.holders)),
        "restart": texts(unit.restart),
    }


def snapshot_from_dict(data: Mapping[str, object]) -> Snapshot:
    """Return the snapshot a JSON object stands for; raise Malformed or TooNew."""
    data = {"cordoned": [], **data}
    same_names(data, _STATE, TYPE)
    units = _objects(data["units"], _UNIT, "a unit in a snapshot", dropins={})
    machines = _objects(data["machines"], _MACHINE, "a machine in a snapshot", marks=[])
    return Snapshot(
        DesiredState(
            lineage=text(data["lineage"]),
            generation=number(data["generation"]),
            units={UnitName(name): _unit(UnitName(name), unit) for name, unit in units.items()},
            texts=texts(data["texts"]),
            machines={MachineId(key): _machine(key, known) for key, known in machines.items()},
            cordoned=frozenset(map(MachineName, _names(data["cordoned"]))),
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
    value: object, known: frozenset[str], what: str, **defaults: object
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

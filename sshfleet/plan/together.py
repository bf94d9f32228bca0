"""What units ask of each other that no fleet can give, found before any of them is submitted.

Rule 1: an error is certain: no machine and no order of commands could satisfy it. What another
submit may still mend is a warning, what may be meant so is a note.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from sshfleet.model.remark import Level, Remark
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.globs import first_match
from sshfleet.plan.rings import Rings
from sshfleet.unitfile.keys import SECTION, SPELLINGS, Key
from sshfleet.unitfile.syntax import parse

FEW = 3

Units = Mapping[UnitName, Unit]


def remarks(unit: Unit, file: str, others: Units) -> list[Remark]:
    """Tell what a unit, read from `file`, asks for that `others` stand in the way of."""
    units = {**others, unit.name: unit}
    found = [*_unknown_peers(unit, units), *_group(unit, units), *_circle(unit, units)]
    beside = {one.name for one in _peers(unit, units)}
    found += _kept_away(unit, [one for one in others.values() if one.name not in beside])
    return [
        Remark(level=level, message=message, place=_place(unit, file, key), hint=hint)
        for level, key, message, hint in found
    ]


_Found = tuple[Level, Key | None, str, str]


def _unknown_peers(unit: Unit, units: Units) -> Iterator[_Found]:
    for peer in unit.requirements.machine_of:
        if peer not in units and "%" not in peer:
            yield (
                Level.WARNING, Key.MACHINE_OF, f"nobody knows the unit {peer}",
                f"{unit.name} is placed once {peer} is on a machine: submit that, too",
            )  # fmt: skip


def _group(unit: Unit, units: Units) -> Iterator[_Found]:
    """Look at all units that must share the machine of this one."""
    members = _peers(unit, units)
    for one, other in combinations(members, 2):
        for key, first, second in _apart(one, other):
            blamed = _blamed(unit, one, other, key)
            yield (
                Level.ERROR, blamed, f"{one.name} and {other.name} have to share a machine "
                f"(MachineOf), but {first} and {second} exclude that", "change one of the two",
            )  # fmt: skip


def _peers(unit: Unit, units: Units) -> list[Unit]:
    """Return a unit, the peers it names, and theirs."""
    found = {unit.name: unit}
    queue = [unit]
    while queue:
        for name in queue.pop().requirements.machine_of:
            peer = units.get(UnitName(name))
            if peer and peer.name not in found:
                found[peer.name] = peer
                queue.append(peer)
    return list(found.values())


def _apart(one: Unit, other: Unit) -> Iterator[tuple[Key, str, str]]:
    """Yield each pair of rules that keeps two units from sharing a machine, with its key."""
    for first, second in ((one, other), (other, one)):
        for key, globs in (
            (Key.CONFLICTS, first.requirements.conflicts),
            (Key.REPLACES, first.requirements.replaces),
        ):
            if pattern := first_match(globs, second.name):
                yield key, f"{key}={pattern} of {first.name}", f"the name {second.name}"
    ids = (one.requirements.machine_id, other.requirements.machine_id)
    if all(ids) and not (ids[0].startswith(ids[1]) or ids[1].startswith(ids[0])):
        yield Key.MACHINE_ID, f"MachineID={ids[0]}", f"MachineID={ids[1]}"
    wanted, also = _metadata(one), _metadata(other)
    for name in sorted(wanted.keys() & also.keys()):
        if not wanted[name] & also[name]:
            yield Key.MACHINE_METADATA, _alternatives(name, wanted), _alternatives(name, also)


def _metadata(unit: Unit) -> dict[str, set[str]]:
    asked: dict[str, set[str]] = {}
    for key, value in unit.requirements.metadata:
        asked.setdefault(key, set()).add(value)
    return {key: values for key, values in asked.items() if "%" not in "".join((key, *values))}


def _alternatives(key: str, asked: Mapping[str, set[str]]) -> str:
    return " or ".join(f"{key}={value}" for value in sorted(asked[key]))


def _blamed(unit: Unit, one: Unit, other: Unit, key: Key) -> Key:
    """Return the rule of this unit's file to point at: its own one, or that it has peers at all."""
    has_it = {
        Key.CONFLICTS: unit.requirements.conflicts,
        Key.REPLACES: unit.requirements.replaces,
        Key.MACHINE_ID: unit.requirements.machine_id,
        Key.MACHINE_METADATA: unit.requirements.metadata,
    }
    return key if unit in (one, other) and has_it[key] else Key.MACHINE_OF


def _circle(unit: Unit, units: Units) -> Iterator[_Found]:
    pushing = {
        name: one.requirements.replaces for name, one in units.items() if one.requirements.replaces
    }
    if way := Rings(pushing).way(unit.name):
        yield (
            Level.ERROR, Key.REPLACES, f"a circle of Replaces: {' → '.join(way)}",
            "take one of them out of the circle",
        )  # fmt: skip


def _kept_away(unit: Unit, others: Iterable[Unit]) -> Iterator[_Found]:
    names = sorted(one.name for one in others if first_match(one.requirements.conflicts, unit.name))
    if names:
        also = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        yield (
            Level.NOTE, None,
            f"never beside {', '.join(names[:FEW])}{also}: their Conflicts match its name", "",
        )  # fmt: skip


def _place(unit: Unit, file: str, key: Key | None) -> str:
    """Return the line of a rule in a unit's file or its drop-ins; else the file."""
    home = file.rpartition("/")
    parts = [(unit.text, file)]
    parts += [(text, f"{home[0]}{home[1]}{unit.name}.d/{one}") for one, text in _dropins(unit)]
    for text, place in parts:
        for option in parse(text, place).of(SECTION):
            if key and option.name in SPELLINGS[key]:
                return option.place
    return file


def _dropins(unit: Unit) -> Iterable[tuple[str, str]]:
    return sorted(unit.dropins.items())

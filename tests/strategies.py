"""Hypothesis strategies of whole fleets, made of builders; small by default, to shrink well.

Up to 40 machines and 200 units on demand. Names and metadata come from small stocks, so that units
meet, conflict and need each other often. Combinations that `unitfile` refuses are not made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from sshfleet.model.event import TargetState
from sshfleet.model.machine import FailoverMode, Machine
from sshfleet.model.observed import Report, UnitState
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import Unit, UnitName, is_template
from sshfleet.plan.world import World
from sshfleet.unitfile.glob import matches
from tests.builders import machine, machine_id, reached, silent, state, unit_of, world

MAX_MACHINES, MAX_UNITS = 40, 200
METADATA = {"rack": ("a", "b"), "disk": ("ssd", "hdd")}
GLOBS = ("a*", "*1.service", "?2.*", "[bc]*", "web@*.service", "*", "a0.service", "[", "a0")
GONE = "gone"

# Keys of one unit, besides metadata.
TOGETHER: tuple[tuple[str, ...], ...] = (
    (),
    (),
    ("machine_id",),
    ("is_global",),
    ("is_global", "conflicts"),
    ("conflicts",),
    ("replaces",),
    ("machine_of",),
    ("machine_of",),
    ("machine_of", "conflicts"),
    ("machine_of", "replaces"),
)

# What the units of one world are about, so that those which push each other off, or belong
# together, often meet: any of these; one kind and nothing else.
KINDS = (
    TOGETHER,
    ((), ("machine_of",), ("machine_of",), ("replaces",), ("machine_of", "replaces")),
    ((), (), (), (), ("replaces",), ("replaces",), ("machine_of",)),
    ((), ("conflicts",), ("conflicts",), ("machine_of",), ("is_global", "conflicts")),
)
# On how many machines units stand: this and that; as a rule nowhere, or on one.
CROWDS = ((1, 1, 0, 1, 0, 3), (0, 0, 0, 1), (1, 1, 1, 1, 0))
TARGETS = [TargetState.LAUNCHED] * 12 + list(TargetState)

seeds = st.integers(0, 2**32)


@dataclass(frozen=True)
class Theme:
    """What the units of one world have in common: their kinds of rules and where they stand."""

    kinds: Sequence[tuple[str, ...]]
    metadata: bool
    crowd: Sequence[int]


themes = st.builds(Theme, st.sampled_from(KINDS), st.booleans(), st.sampled_from(CROWDS))


def sizes(most: int) -> st.SearchStrategy[int]:
    """Draw how many: anything up to `most`, but mostly not much less."""
    return st.sampled_from([*range(most + 1), *[*range(most // 2 + 1, most + 1)] * 4])


def machine_names(count: int) -> list[str]:
    """Name machines so that IDs sort as names do and differ in their first 8 digits."""
    return [f"m{number:02}" for number in range(count)]


def unit_names(count: int) -> list[str]:
    """Name units of a few kinds, a template among them."""
    stems = ("a{}", "web@{}", "b{}", "c{}")
    names = [stems[number % 4].format(number // 4) + ".service" for number in range(count - 1)]
    return [*names, "web@.service"] if count else []


@st.composite
def machines(draw: st.DrawFn, names: list[str]) -> list[Machine]:
    """Draw inventory entries with metadata, and now and then a pinned machine ID."""
    kinds = [
        {key: value for key, value in (("rack", rack), ("disk", disk)) if value}
        for rack in ("", *METADATA["rack"])
        for disk in ("", *METADATA["disk"])
    ]
    entries = []
    for name in names:
        pin = draw(st.sampled_from([""] * 12 + [machine_id(name), machine_id(names[0])]))
        has = draw(st.sampled_from(kinds))
        entries.append(replace(machine(name, **has), machine_id=pin))
    return entries if draw(st.booleans()) else entries[::-1]


def requirements(
    chance: Random, theme: Theme, name: str, units: Sequence[str], machines_: Sequence[str]
) -> Requirements:
    """Make up [X-Fleet] rules of a unit that may stand together."""
    pairs = [(key, value) for key, values in METADATA.items() for value in values]
    ids = [machine_id(each) for each in (*machines_, GONE)]
    neighbour = units[units.index(name) - 1]  # the first has the last: circles come about
    peers = chance.choices([*units, "unknown.service"], k=chance.choice([0, 1, 2]))
    stock: dict[str, Any] = {
        "machine_id": chance.choice([*ids, *(id_[:8] for id_ in ids)]),
        "is_global": True,
        "conflicts": tuple(chance.choices(GLOBS, k=chance.choice([1, 2]))),
        "replaces": tuple(chance.choices(GLOBS, k=chance.choice([1, 2]))),
        "machine_of": chance.choice([(neighbour,), tuple(peers)]),
    }
    rules: dict[str, Any] = {
        "metadata": tuple(chance.choices(pairs, k=theme.metadata and chance.choice([0, 0, 1, 2]))),
        "failover": chance.choice([None, *FailoverMode]),
    }
    rules |= {key: stock[key] for key in chance.choice(theme.kinds)}
    return Requirements(**_sensible(name, rules))


def _sensible(name: str, rules: dict[str, Any]) -> dict[str, Any]:
    """Leave out the peers that a unit may not name: itself, a template, what its globs match."""
    globs = (*rules.get("conflicts", ()), *rules.get("replaces", ()))
    peers = [
        peer
        for peer in rules.get("machine_of", ())
        if peer != name and not is_template(peer) and not any(matches(g, peer) for g in globs)
    ]
    return {**rules, "machine_of": tuple(peers)}


@st.composite
def reports(draw: st.DrawFn, names: list[str], units: list[Unit]) -> dict[str, Report]:
    """Draw what is not plain: silence, a cloned machine, names that are taken."""
    told: dict[str, Report] = {}
    for name in names:
        match draw(st.integers(0, 9)):
            case 0 | 1:
                told[name] = silent()
            case 2:
                told[name] = reached(draw(st.sampled_from(names)))
            case 3:
                told[name] = reached(name, *[_stranger(each.name) for each in units[::2]])
            case 4:
                told[name] = reached(name, *[_foreign(each) for each in units[1::2]])
    return told


def _stranger(name: UnitName) -> UnitState:
    return state(name, fragment=f"/lib/systemd/system/{name}")


def _foreign(unit: Unit) -> UnitState:
    ours = state(unit)
    assert ours.record is not None
    return replace(ours, record=replace(ours.record, lineage="another"))


@dataclass(frozen=True)
class Lot:
    """What fell to a unit: its rules, where it is placed, and where it was before."""

    unit: Unit
    target: TargetState = TargetState.LAUNCHED
    placed: Sequence[str] = ()
    held: Sequence[str] = ()


def _lot(seed: int, theme: Theme, name: str, names: Sequence[str], hosts: Sequence[str]) -> Lot:
    """Make a unit up of one number, since drawing each part takes ten times as long; 0 is a plain
    unit that stands nowhere, so that what has no part in a failure shrinks to that."""
    if not seed:
        return Lot(unit_of(name, Requirements()))
    chance = Random(f"{seed} {name}")  # noqa: S311 - a failure has to come again
    unit = unit_of(name, requirements(chance, theme, name, names, hosts))
    target = chance.choice(TARGETS)
    if is_template(name):  # it never has a place
        return Lot(unit, target)
    places = chance.choices([*hosts, *hosts, *hosts, GONE], k=chance.choice([0, 1, 2, 3]))
    now = chance.choice(theme.crowd)
    now = 3 if unit.requirements.is_global and now else now
    return Lot(unit, target, places[:now], places[now:])


@st.composite
def worlds(draw: st.DrawFn, max_machines: int = 4, max_units: int = 8) -> World:
    """Draw a world: units placed anywhere, rightly or not, and machines in any condition."""
    hosts = machine_names(draw(sizes(min(max_machines, MAX_MACHINES))))
    names = unit_names(draw(sizes(min(max_units, MAX_UNITS))))
    theme, calm = draw(themes), draw(st.booleans())
    lots = [_lot(draw(seeds), theme, name, names, hosts) for name in names]
    units = [lot.unit for lot in lots]
    placed = {lot.unit.name: lot.placed for lot in lots}
    order = sorted(placed, reverse=draw(st.booleans()))
    return world(
        *draw(machines(hosts)),
        units=units,
        placed={name: placed[name] for name in order},
        held={lot.unit.name: lot.held for lot in lots},
        targets={lot.unit.name: lot.target for lot in lots},
        reports={} if calm else draw(reports(hosts, units)),
        cordoned=[name for name in hosts if not calm and draw(st.integers(0, 6)) == 6],
    )


@st.composite
def scopes(draw: st.DrawFn, of: World) -> frozenset[UnitName]:
    """Draw the units a command is about: all, all but some, some, or those that move others."""
    everything = frozenset(of.units)
    kind = draw(st.sampled_from(["all", "all", "movers", "some"]))
    if not everything or kind == "all":
        return everything
    if kind == "movers":
        rules = [each.requirements for each in of.units.values()]
        peers = {peer for each in rules for peer in each.machine_of}
        movers = {
            name for name, each in of.units.items() if each.requirements.replaces or name in peers
        }
        return frozenset(movers) or everything
    some = draw(st.frozensets(st.sampled_from(sorted(everything)), min_size=1, max_size=3))
    return some if draw(st.booleans()) else everything - some


@st.composite
def worlds_with_scope(
    draw: st.DrawFn, max_machines: int = 4, max_units: int = 8
) -> tuple[World, frozenset[UnitName]]:
    """Draw a world and what a command in it is about."""
    of = draw(worlds(max_machines, max_units))
    return of, draw(scopes(of))

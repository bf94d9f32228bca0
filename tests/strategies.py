"""Hypothesis strategies of whole fleets, made of builders; small by default, to shrink well.

Up to 40 machines and 200 units on demand. Names and metadata come from small stocks, so that units
meet, conflict and need each other often. Combinations that `unitfile` refuses are not made.
"""

from dataclasses import replace
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

targets = st.sampled_from([TargetState.LAUNCHED] * 12 + list(TargetState))


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


@st.composite
def requirements(
    draw: st.DrawFn, name: str, units: list[str], machines_: list[str]
) -> Requirements:
    """Draw [X-Fleet] rules of a unit that may stand together."""
    pairs = st.sampled_from([(key, value) for key, values in METADATA.items() for value in values])
    rules: dict[str, Any] = {
        "metadata": tuple(draw(st.just([]) | st.lists(pairs, max_size=2))),
        "failover": draw(st.sampled_from([None, *FailoverMode])),
    }
    ids = [machine_id(each) for each in (*machines_, GONE)]
    peers = st.sampled_from([*units, "unknown.service"])
    neighbour = units[units.index(name) - 1]  # the first has the last: circles come about
    stock: dict[str, st.SearchStrategy[Any]] = {
        "machine_id": st.sampled_from([*ids, *(id_[:8] for id_ in ids)]),
        "is_global": st.just(True),
        "conflicts": st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2).map(tuple),
        "replaces": st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2).map(tuple),
        "machine_of": st.just((neighbour,)) | st.lists(peers, max_size=2).map(tuple),
    }
    rules |= {key: draw(stock[key]) for key in draw(st.sampled_from(TOGETHER))}
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
        match draw(st.integers(0, 14)):
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


@st.composite
def worlds(draw: st.DrawFn, max_machines: int = 4, max_units: int = 8) -> World:
    """Draw a world: units placed anywhere, rightly or not, and machines in any condition."""
    hosts = machine_names(draw(sizes(min(max_machines, MAX_MACHINES))))
    names = unit_names(draw(sizes(min(max_units, MAX_UNITS))))
    units = [unit_of(name, draw(requirements(name, names, hosts))) for name in names]
    places = st.lists(st.sampled_from([*hosts, *hosts, *hosts, GONE]), max_size=3)
    placed: dict[str, list[str]] = {}
    held: dict[str, list[str]] = {}
    for each in units:
        # One draw for both: where the unit is placed, and where earlier placements left a copy.
        drawn, now = draw(places), draw(st.sampled_from([1, 0, 1, 0, 3]))
        now = 3 if each.requirements.is_global and now else now
        placed[each.name], held[each.name] = drawn[:now], drawn[now:]
    if "web@.service" in placed:  # a template never has a place
        placed["web@.service"] = held["web@.service"] = []
    wanted: dict[str, TargetState] = {each.name: draw(targets) for each in units}
    order = sorted(placed, reverse=draw(st.booleans()))
    return world(
        *draw(machines(hosts)),
        units=units,
        placed={name: placed[name] for name in order},
        held=held,
        targets=wanted,
        reports=draw(reports(hosts, units)),
        cordoned=[name for name in hosts if draw(st.integers(0, 6)) == 6],
    )


@st.composite
def scopes(draw: st.DrawFn, of: World) -> frozenset[UnitName]:
    """Draw the units a command is about: all, all but some, some, or those that move others."""
    everything = frozenset(of.units)
    kind = draw(st.sampled_from(["all", "movers", "some"]))
    if not everything or kind == "all":
        return everything
    if kind == "movers":
        rules = [each.requirements for each in of.units.values()]
        peers = {peer for each in rules for peer in each.machine_of}
        return frozenset(
            name for name, each in of.units.items() if each.requirements.replaces or name in peers
        )
    some = draw(st.frozensets(st.sampled_from(sorted(everything)), max_size=3))
    return some if draw(st.booleans()) else everything - some


@st.composite
def worlds_with_scope(
    draw: st.DrawFn, max_machines: int = 4, max_units: int = 8
) -> tuple[World, frozenset[UnitName]]:
    """Draw a world and what a command in it is about."""
    of = draw(worlds(max_machines, max_units))
    return of, draw(scopes(of))

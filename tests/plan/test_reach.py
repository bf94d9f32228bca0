"""A command reaches those that may have to move for it, before anybody was looked at."""

from dataclasses import replace

from sshfleet.model.observed import Observed
from sshfleet.model.unit import UnitName
from sshfleet.plan.reach import may_get_a_machine, reach
from sshfleet.plan.world import World
from tests.builders import machine, unit, world


def names(*stems: str) -> frozenset[UnitName]:
    return frozenset(UnitName(f"{stem}.service") for stem in stems)


def fleet_of_chains(*, r_on: str = "") -> World:
    """Place v, its follower f, who is followed by g, and others that have no part in it."""
    units = [
        unit("v.service"),
        unit("f.service", machine_of="v.service"),
        unit("g.service", machine_of="f.service", replaces=("w*",)),
        unit("w.service"),
        unit("other.service", machine_of="peer.service"),
        unit("peer.service"),
        unit("r.service", replaces=("v*",)),
    ]
    placed = {"v": "m1", "f": "m1", "g": "m1", "w": "m2", "peer": "m2", "other": "m2"}
    if r_on:
        placed["r"] = r_on
    of = world(
        machine("m1"),
        machine("m2"),
        units=units,
        placed={f"{stem}.service": where for stem, where in placed.items()},
    )
    return replace(of, observed=Observed())


def test_a_command_reaches_the_followers_of_its_units_and_what_those_push_off() -> None:
    of = fleet_of_chains()
    assert reach(of, names("v")) == names("v", "f", "g", "w")
    assert reach(of, names("g")) == names("g", "w")


def test_a_command_reaches_the_followers_of_what_it_pushes_off() -> None:
    assert reach(fleet_of_chains(), names("r")) == names("r", "v", "f", "g", "w")


def test_followers_of_what_a_newcomer_may_push_off_may_get_a_machine() -> None:
    of = fleet_of_chains()
    assert may_get_a_machine(of, names("r")) == names("r", "v", "f", "g", "w")
    assert may_get_a_machine(of, names("v")) == names()


def test_where_one_unit_replaces_another_both_and_their_followers_may_get_a_machine() -> None:
    of = fleet_of_chains(r_on="m1")
    assert may_get_a_machine(of, names("r")) == names("r", "v", "f", "g", "w")
    assert may_get_a_machine(of, names("v")) == names("v", "f", "g", "w")


def test_a_follower_that_stands_somewhere_gets_no_machine_for_a_peer_that_is_new() -> None:
    units = [unit("db.service"), unit("web.service", machine_of="db.service")]
    of = world(machine("m1"), machine("m2"), units=units, placed={"web.service": "m1"})
    asked = may_get_a_machine(replace(of, observed=Observed()), names("db"))
    assert asked == names("db")

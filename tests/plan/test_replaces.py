"""Replaces= pushes others off the machine that a unit gets, if they have somewhere to go."""

from dataclasses import replace

import pytest

from sshfleet.model.event import UnitPlaced
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.scheduler import Schedule, schedule
from sshfleet.plan.world import World
from tests.builders import machine, silent, unit, world
from tests.plan.reading import moves, of_all, refused

V1 = unit("v.service")
R1 = unit("r.service", replaces=("v*",))


def pinned(name: str, on: str, *replaces: str) -> Unit:
    """Make a unit that may be on one machine only (metadata, for MachineID excludes Replaces)."""
    return unit(name, needs={"at": on}, replaces=replaces)


def fleet_of(count: int, **more: object) -> World:
    machines = [machine(f"m{n}", at=f"m{n}") for n in range(1, count + 1)]
    return world(*machines, **more)  # type: ignore[arg-type]


def only(of: World, *names: str) -> Schedule:
    return schedule(of, frozenset(map(UnitName, names)))


def test_a_unit_does_not_look_for_what_it_replaces() -> None:
    of = fleet_of(2, units=[V1, R1], placed={"v.service": "m1"})
    assert moves(of_all(of)) == ["r + m2"]


def test_what_stands_on_the_machine_that_it_gets_moves_on_with_reasons() -> None:
    of = fleet_of(2, units=[V1, pinned("r.service", "m1", "v*")], placed={"v.service": "m1"})
    made = only(of, "r.service")
    assert moves(made) == ["v - m1", "r + m1", "v + m2"]
    why = "replaced there by r.service (Replaces=v* of r.service)"
    assert [event.reason for event in made.events] == [
        why,
        "the only machine that qualifies",
        f"the best other machine; leaves m1: {why}",
    ]
    assert [e.generation for e in made.events if isinstance(e, UnitPlaced)] == [2, 3]


def test_a_unit_never_goes_where_it_is_replaced() -> None:
    of = fleet_of(1, units=[V1, R1], placed={"r.service": "m1"})
    assert refused(of_all(of)) == {
        "v.service": {"m1": ("is replaced there by r.service (Replaces=v* of r.service)",)}
    }


def test_a_machine_where_something_would_become_homeless_does_not_qualify() -> None:
    of = fleet_of(
        3,
        units=[
            unit("v.service", needs={"at": "m1"}),
            unit("x.service", conflicts="v.*"),
            pinned("r.service", "m1", "v*"),
        ],
        placed={"v.service": "m1", "x.service": "m3"},
    )
    made = of_all(of)
    assert made.events == ()
    assert refused(made)["r.service"]["m1"] == (
        "would push off v.service, which no other machine may run: "
        "m2: at is m2, not m1; m3: at is m3, not m1",
    )


def test_only_some_machines_are_shown_of_many_that_cannot_take_what_is_pushed_off() -> None:
    of = fleet_of(
        9,
        units=[unit("v.service", needs={"at": "m1"}), pinned("r.service", "m1", "v*")],
        placed={"v.service": "m1"},
    )
    [told] = refused(of_all(of))["r.service"]["m1"]
    assert told.endswith("; m4: at is m4, not m1; 5 more")


def test_the_next_best_machine_is_taken_when_the_best_cannot_be_cleared() -> None:
    of = fleet_of(
        3,
        units=[
            unit("v.service", needs={"at": "m1"}),
            *[unit(f"x{n}.service") for n in range(4)],
            R1,
        ],
        placed={"v.service": "m1"} | {f"x{n}.service": f"m{2 + n % 2}" for n in range(4)},
    )
    assert moves(of_all(of)) == ["r + m2"]


def test_what_is_pushed_off_obeys_its_own_rules() -> None:
    of = fleet_of(
        4,
        units=[
            unit("v.service", needs={"at": ["m1", "m3", "m4"]}, conflicts="x.*"),
            unit("x.service"),
            pinned("r.service", "m1", "v*"),
        ],
        placed={"v.service": "m1", "x.service": "m3"},
    )
    assert moves(only(of, "r.service")) == ["v - m1", "r + m1", "v + m4"]


def test_followers_of_what_is_pushed_off_move_with_it() -> None:
    of = fleet_of(
        3,
        units=[
            V1,
            unit("f.service", machine_of="v.service", needs={"at": ["m1", "m3"]}),
            unit("g.service", machine_of="f.service"),
            pinned("r.service", "m1", "v.*"),
        ],
        placed=dict.fromkeys(("v.service", "f.service", "g.service"), "m1"),
    )
    made = only(of, "r.service")
    assert moves(made)[3:] == ["r + m1", "v + m3", "f + m3", "g + m3"]
    assert made.events[1].reason == "follows v.service to m3"


def test_what_follows_a_peer_that_stays_cannot_be_pushed_off() -> None:
    of = fleet_of(
        2,
        units=[
            unit("p.service"),
            unit("v.service", machine_of="p.service"),
            pinned("r.service", "m1", "v*"),
        ],
        placed={"p.service": "m1", "v.service": "m1"},
    )
    assert refused(of_all(of))["r.service"]["m1"] == (
        "would push off v.service, which no other machine may run: "
        "m2: needs p.service here; it is on m1",
    )


def test_units_that_need_each_other_are_pushed_off_together() -> None:
    of = fleet_of(
        2,
        units=[
            unit("p.service", machine_of="v.service"),
            unit("v.service", machine_of="p.service"),
            pinned("r.service", "m1", "v*"),
        ],
        placed={"p.service": "m1", "v.service": "m1"},
    )
    assert set(moves(of_all(of))[3:]) == {"p + m2", "v + m2"}


def test_what_is_pushed_off_may_push_off_others() -> None:
    of = fleet_of(
        3,
        units=[
            unit("c.service", needs={"at": ["m2", "m3"]}),
            unit("b.service", needs={"at": ["m1", "m2"]}, replaces=("c*",)),
            pinned("a.service", "m1", "b*"),
        ],
        placed={"b.service": "m1", "c.service": "m2"},
    )
    assert moves(only(of, "a.service")) == ["b - m1", "c - m2", "a + m1", "b + m2", "c + m3"]


def test_a_global_unit_leaves_only_the_machine_in_question() -> None:
    of = fleet_of(
        3,
        units=[unit("v.service", is_global=True), pinned("r.service", "m2", "v*")],
        placed={"v.service": ["m1", "m2", "m3"]},
    )
    made = of_all(of)
    assert moves(made) == ["v - m2", "r + m2"]
    assert made.unplaceable == ()


def test_followers_of_a_global_unit_that_is_pushed_off_go_where_it_still_is() -> None:
    of = fleet_of(
        3,
        units=[
            unit("v.service", is_global=True, needs={"at": ["m1", "m3"]}),
            unit("f.service", machine_of="v.service"),
            pinned("r.service", "m1", "v*"),
        ],
        placed={"v.service": ["m1", "m3"], "f.service": "m1"},
    )
    assert moves(only(of, "r.service")) == ["v - m1", "f - m1", "r + m1", "f + m3"]


def test_what_found_no_place_tries_again_when_a_machine_was_cleared() -> None:
    of = fleet_of(
        2,
        units=[
            V1,
            unit("a.service", needs={"at": "m1"}, conflicts="v*"),
            unit("g.service", is_global=True, needs={"at": "m1"}, conflicts="v*"),
            pinned("r.service", "m1", "v*"),
        ],
        placed={"v.service": "m1"},
    )
    made = of_all(of)
    assert set(moves(made)) == {"v - m1", "r + m1", "v + m2", "a + m1", "g + m1"}
    assert made.unplaceable == ()


@pytest.mark.parametrize("scope", [("r.service",), ("r.service", "v.service")])
def test_a_placed_unit_that_replaces_another_now_pushes_it_off(scope: tuple[str, ...]) -> None:
    of = fleet_of(2, units=[V1, R1], placed=dict.fromkeys(("v.service", "r.service"), "m1"))
    assert moves(only(of, *scope)) == ["v - m1", "v + m2"]


def test_a_placed_unit_that_cannot_push_off_another_moves_itself() -> None:
    of = fleet_of(
        2,
        units=[unit("v.service", needs={"at": "m1"}), R1],
        placed=dict.fromkeys(("v.service", "r.service"), "m1"),
    )
    made = of_all(of)
    assert moves(made) == ["r - m1", "r + m2"]
    assert made.events[0].reason.startswith("would push off v.service, which no other machine may")


def test_a_placed_unit_that_can_neither_push_nor_move_is_unplaceable() -> None:
    of = fleet_of(1, units=[V1, R1], placed=dict.fromkeys(("v.service", "r.service"), "m1"))
    made = of_all(of)
    assert moves(made) == ["r - m1"]
    assert refused(made)["r.service"] == {
        "m1": ("would push off v.service, which no other machine may run",)
    }


def test_a_unit_beside_one_that_replaces_it_and_may_not_move_gives_way() -> None:
    of = fleet_of(2, units=[V1, R1], placed=dict.fromkeys(("v.service", "r.service"), "m1"))
    assert moves(only(of, "v.service")) == ["v - m1", "v + m2"]


def test_on_a_silent_machine_nobody_is_pushed_off() -> None:
    of = fleet_of(
        2,
        units=[V1, R1],
        placed=dict.fromkeys(("v.service", "r.service"), "m1"),
        reports={"m1": silent()},
    )
    assert of_all(of) == Schedule((), ())


def test_on_a_silent_machine_nobody_gives_way_to_a_unit_that_may_not_move() -> None:
    of = fleet_of(
        2,
        units=[V1, R1],
        placed=dict.fromkeys(("v.service", "r.service"), "m1"),
        reports={"m1": silent()},
    )
    assert only(of, "v.service") == Schedule((), ())


def test_a_silent_machine_that_would_not_take_a_unit_either_says_so() -> None:
    of = fleet_of(1, units=[V1, R1], placed={"r.service": "m1"}, reports={"m1": silent()})
    assert refused(of_all(of))["v.service"]["m1"] == (
        "unreachable: connection timed out",
        "is replaced there by r.service (Replaces=v* of r.service)",
    )


def test_what_may_still_run_out_of_sight_is_not_pushed_off() -> None:
    of = fleet_of(
        3,
        units=[V1, pinned("r.service", "m1", "v*")],
        held={"v.service": "m3"},
        placed={"v.service": "m1"},
        reports={"m3": silent()},
    )
    [told] = refused(of_all(of))["r.service"]["m1"]
    assert "m2: may still run on m3, which cannot be reached" in told


def test_replaces_is_directional() -> None:
    of = fleet_of(1, units=[R1, unit("w.service")], placed={"r.service": "m1"})
    assert moves(of_all(of)) == ["w + m1"]


def test_a_unit_never_replaces_itself() -> None:
    of = fleet_of(1, units=[unit("r@1.service", replaces=("r@*",))])
    assert moves(of_all(of)) == ["r@1 + m1"]


def test_a_circle_is_refused_and_shown() -> None:
    of = fleet_of(
        3,
        units=[
            unit("a.service", replaces=("b.*",)),
            unit("b.service", replaces=("c.*",)),
            unit("c.service", replaces=("[a]*", "x")),
            unit("d.service", replaces=("a.*",)),
        ],
        placed={"b.service": "m1"},
    )
    made = of_all(of)
    assert moves(made) == ["d + m2"]
    assert {name: told["m3"] for name, told in refused(made).items()} == {
        "a.service": (
            "Replaces goes in a circle: "
            "a.service replaces b.service replaces c.service replaces a.service",
        ),
        "c.service": (
            "Replaces goes in a circle: "
            "c.service replaces a.service replaces b.service replaces c.service",
        ),
    }


def test_instances_that_replace_each_other_through_one_glob_are_a_circle() -> None:
    units = [unit(f"w@{n}.service", replaces=("w@*",)) for n in (1, 2)]
    made = of_all(fleet_of(2, units=units))
    assert refused(made)["w@1.service"]["m1"] == (
        "Replaces goes in a circle: w@1.service replaces w@2.service replaces w@1.service",
    )


def test_a_circle_that_stands_already_stays_also_on_one_machine() -> None:
    of = fleet_of(
        2,
        units=[unit("a.service", replaces=("b.*",)), unit("b.service", replaces=("a.*",))],
        placed=dict.fromkeys(("a.service", "b.service"), "m1"),
    )
    assert of_all(of) == Schedule((), ())
    assert only(of, "b.service") == Schedule((), ())


def test_a_unit_of_a_circle_cannot_be_pushed_off() -> None:
    of = fleet_of(
        2,
        units=[
            unit("a.service", replaces=("b.*",)),
            unit("b.service", replaces=("a.*",)),
            pinned("r.service", "m1", "a.*"),
        ],
        placed={"a.service": "m1", "b.service": "m2"},
    )
    [told] = refused(of_all(of))["r.service"]["m1"]
    assert told.startswith("would push off a.service, which no other machine may run: m2: ")
    assert "Replaces goes in a circle" in told or "is replaced there by b.service" in told


def test_members_of_a_group_that_replace_each_other_are_parted() -> None:
    of = fleet_of(
        2,
        units=[
            unit("p.service"),
            unit("f.service", machine_of="p.service"),
            unit("r.service", machine_of="p.service", replaces=("f.*",)),
        ],
    )
    made = of_all(of)
    assert "r.service" in refused(made)
    assert "f + m1" in moves(made)


def test_a_unit_whose_text_cannot_be_read_is_not_pushed_off() -> None:
    of = fleet_of(2, units=[V1, pinned("r.service", "m1", "v*")], placed={"v.service": "m1"})
    known = {name: each for name, each in of.units.items() if name == "r.service"}
    made = only(replace(of, units=known), "r.service")
    assert refused(made)["r.service"]["m1"] == (
        "would push off v.service, whose text cannot be read",
    )

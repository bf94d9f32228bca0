from dataclasses import replace

from sshfleet.model.observed import Observed
from sshfleet.model.unit import UnitName
from sshfleet.plan.scheduler import Schedule, schedule
from tests.builders import machine, machine_id, reached, silent, unit, world
from tests.plan.reading import moves, of_all, refused


def test_placements_whose_rules_hold_are_kept_whatever_the_load() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("a.service"), unit("b.service"), unit("c.service")],
        placed=dict.fromkeys(("a.service", "b.service", "c.service"), "m1"),
    )
    assert of_all(of) == Schedule((), ())


def test_a_placement_ends_where_metadata_changed_and_begins_where_it_fits() -> None:
    of = world(
        machine("m1", disk="hdd"),
        machine("m2", disk="ssd"),
        units=[unit("web.service", needs={"disk": "ssd"})],
        placed={"web.service": "m1"},
    )
    made = of_all(of)
    assert moves(made) == ["web - m1", "web + m2"]
    assert made.events[0].reason == "disk is hdd, not ssd"


def test_a_placement_ends_even_if_no_other_machine_fits() -> None:
    of = world(
        machine("m1", disk="hdd"),
        machine("m2"),
        units=[unit("web.service", needs={"disk": "ssd"})],
        placed={"web.service": "m1"},
    )
    made = of_all(of)
    assert moves(made) == ["web - m1"]
    assert refused(made) == {
        "web.service": {"m1": ("disk is hdd, not ssd",), "m2": ("has no metadata disk",)}
    }


def test_a_unit_that_leaves_a_silent_machine_is_not_started_elsewhere() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[unit("web.service", needs={"disk": "ssd"})],
        placed={"web.service": "m1"},
        reports={"m1": silent()},
    )
    made = of_all(of)
    assert moves(made) == ["web - m1"]
    assert refused(made)["web.service"]["m2"] == ("may still run on m1, which cannot be reached",)


def test_a_placement_on_a_machine_that_is_not_in_the_inventory_is_kept() -> None:
    of = world(
        machine("m1"),
        units=[unit("web.service", needs={"disk": "ssd"}, machine_of=["db.service"])],
        placed={"web.service": "gone"},
    )
    assert of_all(of) == Schedule((), ())


def test_a_placement_on_a_machine_whose_identity_is_in_doubt_is_kept() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("web.service", needs={"disk": "ssd"})],
        placed={"web.service": "m1"},
        reports={"m2": reached("m1")},
    )
    assert of_all(of) == Schedule((), ())


def test_a_machine_that_was_installed_anew_is_another_machine() -> None:
    of = world(
        machine("m1"),
        units=[unit("old.service", needs={"x": "y"}), unit("web.service")],
        placed={"old.service": "m1"},
        reports={"m1": reached("m4")},
    )
    assert moves(of_all(of)) == ["web + m4"]


def test_of_two_placed_units_that_conflict_now_the_younger_gives_way() -> None:
    old, young = unit("old.service"), unit("a-young.service", conflicts=["old*"])
    of = world(
        machine("m1"),
        machine("m2"),
        units=[old, young],
        placed={"old.service": "m1", "a-young.service": "m1"},
    )
    assert moves(of_all(of)) == ["a-young - m1", "a-young + m2"]


def test_of_two_equally_old_units_that_conflict_the_later_name_gives_way() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("a.service", conflicts=["b.*"]), unit("b.service")],
        placed={"a.service": "m1", "b.service": "m1"},
    )
    same = {name: replace(each, generation=7) for name, each in of.desired.units.items()}
    made = of_all(replace(of, desired=replace(of.desired, units=same)))
    assert moves(made) == ["b - m1", "b + m2"]


def test_a_unit_that_gave_way_drives_out_nobody() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("a.service", conflicts=["b.*"]),
            unit("b.service", conflicts=["c.*"]),
            unit("c.service"),
        ],
        placed={"a.service": "m1", "b.service": "m1", "c.service": "m1"},
    )
    assert moves(of_all(of)) == ["b - m1", "b + m2"]


def test_a_unit_of_the_scope_gives_way_to_one_that_may_not_move() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("old.service"), unit("young.service", conflicts=["old*"])],
        placed={"old.service": "m1", "young.service": "m1"},
    )
    made = schedule(of, frozenset((UnitName("old.service"),)))
    assert moves(made) == ["old - m1", "old + m2"]


def test_a_follower_of_two_peers_that_both_leave_ends_once() -> None:
    of = world(
        machine("m1"),
        units=[
            unit("a.service", machine_of=["p.service", "q.service"]),
            unit("p.service", machine_of=["r.service"]),
            unit("q.service", machine_of=["r.service"]),
            unit("r.service", needs={"x": "y"}),
        ],
        placed=dict.fromkeys(("a.service", "p.service", "q.service", "r.service"), "m1"),
    )
    assert moves(of_all(of)) == ["r - m1", "p - m1", "q - m1", "a - m1"]


def test_a_unit_that_is_not_global_any_more_stays_on_one_machine() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        machine("m3", disk="ssd"),
        units=[unit("web.service", needs={"disk": "ssd"})],
        placed={"web.service": ["a-gone", "m1", "m2", "m3"]},
    )
    made = of_all(of)
    assert moves(made) == ["web - m1", "web - m3", f"web - {machine_id('a-gone')}"]
    assert made.events[1].reason == "is not global any more and stays on m2"


def test_a_look_that_saw_nothing_moves_nothing() -> None:
    of = world(machine("m1"), units=[unit("web.service")], placed={"web.service": "m1"})
    assert of_all(replace(of, observed=Observed())) == Schedule((), ())

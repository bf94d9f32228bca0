"""Replaces= together with the other keys: specifiers, global units and their followers."""

from tests.builders import machine, unit, world
from tests.plan.reading import moves, of_all
from tests.stage import service

THREE = [machine(f"m{n}", at=f"m{n}") for n in (1, 2, 3)]


def test_specifiers_say_of_each_instance_what_it_replaces_and_follows() -> None:
    rules = "Replaces=old-%p@%i.service\nMachineOf=%p-db@%i.%i.service\nMachineMetadata=at=m%i"
    units = [
        service("web@2.service", rules),
        service("web-db@2.2.service"),
        service("old-web@2.service"),
        service("old-web@1.service"),
    ]
    placed = dict.fromkeys(("old-web@2.service", "old-web@1.service"), "m2")
    of = world(*THREE, units=units, placed=placed)
    assert moves(of_all(of)) == [
        "old-web@2 - m2",
        "web-db@2.2 + m2",
        "web@2 + m2",
        "old-web@2 + m1",
    ]


def test_what_could_not_be_pushed_off_is_when_its_global_peer_has_come_elsewhere() -> None:
    of = world(
        *THREE[:2],
        units=[
            unit("z.service", is_global=True),
            unit("v.service", machine_of="z.service"),
            unit("r.service", needs={"at": "m1"}, replaces=("v*",)),
        ],
        placed={"z.service": "m1", "v.service": "m1"},
    )
    assert moves(of_all(of)) == ["v - m1", "z + m2", "r + m1", "v + m2"]


def test_a_global_unit_comes_also_to_a_machine_that_was_cleared_after_its_turn() -> None:
    of = world(
        *THREE,
        units=[
            unit("g.service", is_global=True, needs={"at": ["m1", "m2"]}, conflicts="v*"),
            unit("r.service", needs={"at": "m1"}, replaces=("v*",)),
            unit("v.service"),
        ],
        placed={"v.service": "m1"},
    )
    assert moves(of_all(of)) == ["v - m1", "g + m2", "r + m1", "v + m3", "g + m1"]


def test_what_is_pushed_off_leaves_by_name_in_whatever_order_it_came() -> None:
    names = ["v@2.service", "v@1.service", "v@3.service"]
    of = world(
        *THREE[:2],
        units=[
            *map(unit, names),
            unit("r.service", needs={"at": "m1"}, replaces=("v@*",)),
        ],
        placed=dict.fromkeys(names, "m1"),
    )
    assert moves(of_all(of))[:3] == ["v@1 - m1", "v@2 - m1", "v@3 - m1"]

"""Units that MachineOf= ties together are placed as one, or say why not."""

from sshfleet.plan.scheduler import Schedule
from tests.builders import machine, machine_id, silent, unit, world
from tests.plan.reading import moves, of_all, refused

FOLLOWER = unit("web.service", machine_of="db.service")


def test_a_new_peer_goes_where_its_follower_may_be_too() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("db.service"),
            unit("web.service", machine_of="db.service", needs={"disk": "ssd"}),
            unit("other.service"),
        ],
        placed={"other.service": "m2"},
    )
    assert moves(of_all(of)) == ["db + m2", "web + m2"]


def test_peers_come_first_and_a_group_has_its_turn_by_its_first_name() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("a.service", machine_of=["z.service"]),
            unit("b.service"),
            unit("z.service", machine_of=["y.service"]),
            unit("y.service"),
        ],
    )
    assert moves(of_all(of)) == ["y + m1", "z + m1", "a + m1", "b + m2"]


def test_all_followers_of_a_peer_and_all_peers_of_a_follower_are_one_group() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("a.service"),
            unit("b.service"),
            unit("c.service", machine_of=["a.service", "b.service"]),
            unit("d.service", machine_of="a.service"),
            unit("e.service", machine_of="b.service", needs={"disk": "ssd"}),
        ],
    )
    assert {move[-2:] for move in moves(of_all(of))} == {"m2"}


def test_the_machine_that_takes_the_most_of_a_group_is_chosen_before_the_least_loaded() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("db.service"),
            unit("web.service", machine_of="db.service", needs={"disk": "ssd"}),
            unit("log.service", machine_of="db.service"),
            *[unit(f"x{n}.service") for n in range(3)],
        ],
        placed={f"x{n}.service": "m2" for n in range(3)},
    )
    assert moves(of_all(of)) == ["db + m2", "log + m2", "web + m2"]


def test_a_machine_without_one_of_the_peers_does_not_count_as_taking_the_follower() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("log.service"),
            unit("db.service"),
            unit("web.service", machine_of=["db.service", "log.service"]),
        ],
        placed={"log.service": "m2"},
    )
    made = of_all(of)
    assert moves(made) == ["db + m2", "web + m2"]
    assert made.events[0].reason == "the only machine that qualifies"


def test_a_peer_does_not_need_its_follower() -> None:
    of = world(
        machine("m1"),
        units=[unit("db.service"), unit("web.service", machine_of="db.service", needs={"x": "y"})],
    )
    made = of_all(of)
    assert moves(made) == ["db + m1"]
    assert refused(made) == {"web.service": {"m1": ("has no metadata x",)}}


def test_followers_that_cannot_be_together_are_left_over_by_name() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("db.service"),
            unit("web@1.service", machine_of="db.service", conflicts="web@*"),
            unit("web@2.service", machine_of="db.service", conflicts="web@*"),
        ],
    )
    made = of_all(of)
    assert moves(made) == ["db + m1", "web@1 + m1"]
    assert refused(made)["web@2.service"] == {
        "m1": ("conflicts with web@1.service there (Conflicts=web@* of web@2.service)",),
        "m2": ("needs db.service here; it is on m1",),
    }


def test_what_is_left_over_is_grouped_anew() -> None:
    of = world(
        machine("m1", rack="a"),
        machine("m2", rack="b"),
        units=[
            unit("a.service", needs={"rack": "a"}),
            unit("b.service", needs={"rack": "b"}),
            unit("c.service", machine_of="b.service"),
            unit("both.service", machine_of=["a.service", "b.service"]),
        ],
    )
    made = of_all(of)
    assert moves(made) == ["b + m2", "c + m2", "a + m1"]
    assert refused(made)["both.service"] == {
        "m1": ("needs b.service here; it is on m2",),
        "m2": ("needs a.service here; it is on m1",),
    }


def test_a_group_goes_to_the_peer_that_is_placed_already() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("db.service"), FOLLOWER, unit("log.service", machine_of="web.service")],
        placed={"db.service": "m2"},
    )
    assert moves(of_all(of)) == ["web + m2", "log + m2"]


def test_a_global_peer_ties_its_followers_to_nothing() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("proxy.service", is_global=True),
            unit("a.service", machine_of="proxy.service"),
            unit("b.service", machine_of="proxy.service"),
        ],
    )
    assert moves(of_all(of)) == ["proxy + m1", "proxy + m2", "a + m1", "b + m2"]


def test_units_that_need_each_other_are_placed_together() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("a.service", machine_of="b.service"),
            unit("b.service", machine_of="c.service"),
            unit("c.service", machine_of="a.service", needs={"disk": "ssd"}),
            unit("d.service", machine_of="a.service"),
            unit("e.service", machine_of="e.service"),
        ],
    )
    made = of_all(of)
    assert made.unplaceable == ()
    assert moves(made) == ["a + m2", "b + m2", "c + m2", "d + m2", "e + m1"]
    assert made.events[0].reason == "beside b.service"


def test_a_unit_that_needs_several_which_need_it_comes_with_all_of_them() -> None:
    of = world(
        machine("m1"),
        units=[
            unit("a.service", machine_of=["b.service", "c.service"]),
            unit("b.service", machine_of="a.service"),
            unit("c.service", machine_of="a.service"),
        ],
    )
    assert moves(of_all(of)) == ["a + m1", "b + m1", "c + m1"]


def test_a_group_that_cannot_be_placed_says_for_whose_sake() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("a.service", machine_of="b.service", conflicts="x.*"),
            unit("b.service", machine_of="a.service", needs={"disk": "ssd"}),
            unit("x.service"),
        ],
        placed={"x.service": "m2"},
    )
    made = of_all(of)
    clash = "conflicts with x.service there (Conflicts=x.* of a.service)"
    assert made.events == ()
    assert refused(made) == {
        "a.service": {
            "m1": ("needs b.service here, which cannot be: has no metadata disk",),
            "m2": (clash,),
        },
        "b.service": {
            "m1": ("has no metadata disk",),
            "m2": (f"needs a.service here, which cannot be: {clash}",),
        },
    }


def test_units_of_a_circle_that_stand_together_stay() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("a.service", machine_of=["b.service"]),
            unit("b.service", machine_of=["a.service"]),
        ],
        placed={"a.service": "m2", "b.service": "m2"},
    )
    assert of_all(of) == Schedule((), ())


def test_a_group_is_not_started_twice_while_one_of_it_may_still_run_elsewhere() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("db.service"), FOLLOWER],
        held={"web.service": "m2"},
        reports={"m2": silent()},
    )
    made = of_all(of)
    assert moves(made) == ["db + m1"]
    assert refused(made)["web.service"]["m1"] == ("may still run on m2, which cannot be reached",)


def test_a_chain_of_a_thousand_peers_is_no_problem() -> None:
    units = [unit("u0.service")] + [
        unit(f"u{number}.service", machine_of=[f"u{number - 1}.service"])
        for number in range(1, 1000)
    ]
    made = of_all(world(machine("m1"), machine("m2"), units=units))
    assert len(made.events) == 1000
    assert {event.machine for event in made.events} == {machine_id("m1")}


def test_a_thousand_followers_that_exclude_each_other_are_answered() -> None:
    units = [unit("hub.service")] + [
        unit(f"w@{number}.service", machine_of="hub.service", conflicts="w@*")
        for number in range(300)
    ]
    made = of_all(world(machine("m1"), machine("m2"), units=units))
    assert len(made.events) == 2
    assert len(made.unplaceable) == 299

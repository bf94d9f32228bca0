"""Units follow a peer (MachineOf=) that leaves its machine, in the scope or not, or say why not."""

from sshfleet.model.unit import UnitName
from sshfleet.plan.scheduler import schedule
from tests.builders import machine, unit, world
from tests.plan.reading import moves, of_all, refused


def test_followers_follow_a_peer_whose_machine_no_longer_fits() -> None:
    of = world(
        machine("m1", disk="hdd"),
        machine("m2", disk="ssd"),
        machine("m3", disk="ssd", rack="a"),
        units=[
            unit("z.service", needs={"disk": "ssd"}),
            unit("b.service", machine_of=["z.service"]),
            unit("a.service", machine_of=["b.service"], needs={"rack": "a"}),
        ],
        placed={"a.service": "m1", "b.service": "m1", "z.service": "m1"},
    )
    of.fleet.machines[0].metadata["rack"] = "a"  # type: ignore[index]
    made = of_all(of)
    assert moves(made) == ["z - m1", "b - m1", "a - m1", "z + m3", "b + m3", "a + m3"]
    assert [event.reason for event in made.events] == [
        "disk is hdd, not ssd",
        "follows z.service to m3",
        "follows b.service to m3",
        "the only machine that qualifies; leaves m1: disk is hdd, not ssd",
        "beside z.service; leaves m1: follows z.service to m3",
        "beside b.service; leaves m1: follows b.service to m3",
    ]


def test_a_follower_outside_the_scope_follows_too() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("db.service", needs={"disk": "ssd"}),
            unit("web.service", machine_of="db.service"),
            unit("other.service"),
        ],
        placed=dict.fromkeys(("db.service", "web.service", "other.service"), "m1"),
    )
    made = schedule(of, frozenset((UnitName("db.service"),)))
    assert moves(made) == ["db - m1", "web - m1", "db + m2", "web + m2"]


def test_a_follower_follows_whichever_of_its_peers_leaves() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("log.service", is_global=True),
            unit("db.service", needs={"disk": "ssd"}),
            unit("web.service", machine_of=["log.service", "db.service"]),
        ],
        placed={"log.service": ["m1", "m2"], "db.service": "m1", "web.service": "m1"},
    )
    made = schedule(of, frozenset((UnitName("db.service"),)))
    assert moves(made) == ["db - m1", "web - m1", "db + m2", "web + m2"]


def test_followers_leave_by_name_in_whatever_order_they_came() -> None:
    names = ["w2.service", "w1.service", "w3.service"]
    of = world(
        machine("m1"),
        units=[
            *[unit(name, machine_of="db.service") for name in names],
            unit("db.service", needs={"disk": "ssd"}),
        ],
        placed=dict.fromkeys((*names, "db.service"), "m1"),
    )
    made = schedule(of, frozenset((UnitName("db.service"),)))
    assert moves(made) == ["db - m1", "w1 - m1", "w2 - m1", "w3 - m1"]


def test_a_follower_that_cannot_follow_is_answered_for() -> None:
    of = world(
        machine("m1", rack="a"),
        machine("m2", disk="ssd"),
        units=[
            unit("db.service", needs={"disk": "ssd"}),
            unit("web.service", machine_of="db.service", needs={"rack": "a"}),
        ],
        placed={"db.service": "m1", "web.service": "m1"},
    )
    made = schedule(of, frozenset((UnitName("db.service"),)))
    assert moves(made) == ["db - m1", "web - m1", "db + m2"]
    assert made.events[1].reason == "needs db.service here, which leaves"
    assert refused(made)["web.service"]["m2"] == ("has no metadata rack",)


def test_a_follower_whose_own_rule_fails_leaves_its_peer_where_it_is() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("db.service"),
            unit("web.service", machine_of="db.service", needs={"disk": "ssd"}),
        ],
        placed={"db.service": "m1", "web.service": "m1"},
    )
    made = of_all(of)
    assert moves(made) == ["web - m1"]
    assert refused(made)["web.service"] == {
        "m1": ("has no metadata disk",),
        "m2": ("needs db.service here; it is on m1",),
    }


def test_units_that_need_each_other_move_as_one() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[
            unit("a.service", machine_of="b.service"),
            unit("b.service", machine_of="a.service", needs={"disk": "ssd"}),
        ],
        placed={"a.service": "m1", "b.service": "m1"},
    )
    assert moves(of_all(of)) == ["b - m1", "a - m1", "a + m2", "b + m2"]

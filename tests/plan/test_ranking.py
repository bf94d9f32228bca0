from sshfleet.model.event import UnitPlaced
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World
from tests.builders import machine, machine_id, silent, unit, world


def chosen(of: World, name: str = "web.service") -> tuple[str, str]:
    """Return the machine a unit is placed on and the reason."""
    [event] = [event for event in schedule(of, frozenset(of.units)).events if event.unit == name]
    assert isinstance(event, UnitPlaced)
    [where] = [m.name for m in of.fleet.machines if machine_id(m.name) == event.machine]
    return where, event.reason


def test_the_machine_with_the_fewest_units_is_chosen() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        machine("m3"),
        units=[unit(f"{name}.service") for name in ("a", "b", "c", "web")],
        placed={"a.service": "m1", "b.service": "m1", "c.service": "m2"},
    )
    assert chosen(of) == ("m3", "least loaded of 3 machines that qualify (0 units)")


def test_equal_load_is_decided_by_machine_id_and_not_by_the_inventory() -> None:
    of = world(machine("m2"), machine("m1"), units=[unit("web.service")])
    assert chosen(of) == ("m1", "least loaded of 2 machines that qualify (0 units)")


def test_global_units_are_load_too() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("all.service", is_global=True), unit("b.service"), unit("web.service")],
        placed={"all.service": ["m1", "m2"], "b.service": "m1"},
    )
    assert chosen(of) == ("m2", "least loaded of 2 machines that qualify (1 unit)")


def test_only_machines_that_qualify_are_counted() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        machine("m3", disk="ssd"),
        units=[unit("web.service", needs={"disk": "ssd"})],
        reports={"m3": silent()},
    )
    assert chosen(of) == ("m2", "the only machine that qualifies")


def test_a_follower_goes_beside_its_peers() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("db.service"),
            unit("log.service"),
            unit("web.service", machine_of=["db.service", "log.service"]),
        ],
        placed={"db.service": "m2", "log.service": "m2"},
    )
    assert chosen(of) == ("m2", "beside db.service and log.service")


def test_a_unit_goes_back_to_the_machine_that_still_holds_it() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("a.service"), unit("web.service")],
        placed={"a.service": "m2"},
        held={"web.service": "m2"},
    )
    assert chosen(of) == ("m2", "has a copy already, of 2 machines that qualify")


def test_of_two_holders_the_less_loaded_one_is_chosen() -> None:
    of = world(
        machine("m0"),
        machine("m1"),
        machine("m2"),
        units=[unit("a.service"), unit("web.service")],
        placed={"a.service": "m1"},
        held={"web.service": ["m1", "m2"]},
    )
    assert chosen(of) == ("m2", "has a copy already, of 3 machines that qualify")


def test_a_holder_that_does_not_qualify_any_more_is_passed_over() -> None:
    of = world(
        machine("m1", disk="ssd"),
        machine("m2"),
        machine("m3", disk="ssd"),
        units=[unit("web.service", needs={"disk": "ssd"})],
        held={"web.service": "m2"},
    )
    assert chosen(of) == ("m1", "least loaded of 2 machines that qualify (0 units)")

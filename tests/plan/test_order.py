from sshfleet.plan.scheduler import Schedule
from tests.builders import machine, machine_id, unit, world
from tests.plan.reading import moves, of_all, refused


def test_new_peers_are_placed_before_those_that_need_them() -> None:
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
    assert moves(of_all(of)) == ["b + m1", "y + m2", "z + m2", "a + m2"]


def test_units_that_need_each_other_in_a_circle_show_it() -> None:
    of = world(
        machine("m1"),
        units=[
            unit("a.service", machine_of=["b.service"]),
            unit("b.service", machine_of=["c.service"]),
            unit("c.service", machine_of=["a.service"]),
            unit("d.service", machine_of=["a.service"]),
            unit("e.service", machine_of=["e.service"]),
        ],
    )
    made = of_all(of)
    assert made.events == ()
    assert {name: told["m1"] for name, told in refused(made).items()} == {
        "a.service": (
            "MachineOf goes in a circle: a.service needs b.service needs c.service needs a.service",
            "needs b.service here; it is placed nowhere",
        ),
        "b.service": (
            "MachineOf goes in a circle: b.service needs c.service needs a.service needs b.service",
            "needs c.service here; it is placed nowhere",
        ),
        "c.service": (
            "MachineOf goes in a circle: c.service needs a.service needs b.service needs c.service",
            "needs a.service here; it is placed nowhere",
        ),
        "d.service": ("needs a.service here; it is placed nowhere",),
        "e.service": (
            "MachineOf goes in a circle: e.service needs e.service",
            "needs e.service here; it is placed nowhere",
        ),
    }


def test_units_of_a_circle_that_stand_together_stay() -> None:
    of = world(
        machine("m1"),
        units=[
            unit("a.service", machine_of=["b.service"]),
            unit("b.service", machine_of=["a.service"]),
        ],
        placed={"a.service": "m1", "b.service": "m1"},
    )
    assert of_all(of) == Schedule((), ())


def test_a_chain_of_a_thousand_peers_is_no_problem() -> None:
    units = [unit("u0.service")] + [
        unit(f"u{number}.service", machine_of=[f"u{number - 1}.service"])
        for number in range(1, 1000)
    ]
    made = of_all(world(machine("m1"), machine("m2"), units=units))
    assert len(made.events) == 1000
    assert {event.machine for event in made.events} == {machine_id("m1")}

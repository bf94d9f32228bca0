import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState, UnitPlaced
from sshfleet.model.unit import UnitName
from sshfleet.plan.scheduler import Schedule, schedule
from tests.builders import machine, machine_id, silent, unit, world
from tests.plan.reading import moves, of_all, refused

ROOT = Path(__file__).parents[2]


def test_an_empty_world_has_an_empty_schedule() -> None:
    assert of_all(world()) == Schedule((), ())


def test_new_units_are_spread_in_the_order_of_their_names() -> None:
    names = ["c.service", "a.service", "b.service"]
    made = of_all(world(machine("m1"), machine("m2"), units=[unit(name) for name in names]))
    assert moves(made) == ["a + m1", "b + m2", "c + m1"]


def test_generations_count_up_from_the_highest_ever_given() -> None:
    of = world(
        machine("m1"),
        units=[unit("a.service"), unit("b.service"), unit("c.service")],
        placed={"c.service": "m1"},
        held={"b.service": "m1"},
    )
    assert of.desired.generation == 2
    placed = [event for event in of_all(of).events if isinstance(event, UnitPlaced)]
    assert [event.generation for event in placed] == [3, 4]


def test_only_units_that_belong_on_a_machine_are_placed() -> None:
    of = world(
        machine("m1"),
        units=[unit(name) for name in ("a.service", "b.service", "c.service", "t@.service")],
        targets={"a.service": TargetState.INACTIVE, "b.service": TargetState.LOADED},
    )
    assert moves(of_all(of)) == ["b + m1", "c + m1"]


def test_inactive_units_are_neither_load_nor_conflict() -> None:
    rude = unit("rude.service", conflicts=["*"])
    of = world(
        machine("m1"),
        machine("m2"),
        units=[rude, unit("web.service")],
        placed={"rude.service": "m1"},
        targets={"rude.service": TargetState.INACTIVE},
    )
    assert moves(of_all(of)) == ["web + m1"]


def test_a_unit_outside_the_scope_never_moves_but_counts() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("a.service", needs={"x": "y"}), unit("b.service"), unit("web.service")],
        placed={"a.service": "m1"},
    )
    assert moves(schedule(of, frozenset((UnitName("web.service"),)))) == ["web + m2"]


def test_a_unit_whose_text_is_not_known_stays_and_counts() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("a.service", conflicts=["*"]), unit("b.service"), unit("web.service")],
        placed={"a.service": "m1"},
    )
    unread = {name: each for name, each in of.units.items() if name == "web.service"}
    made = schedule(replace(of, units=unread), frozenset(of.units))
    assert moves(made) == ["web + m2"]


def test_a_unit_of_the_scope_that_nobody_wants_is_left_alone() -> None:
    of = world(machine("m1"), units=[unit("web.service")])
    assert schedule(of, frozenset((UnitName("unknown.service"),))) == Schedule((), ())


def test_a_global_unit_goes_on_every_machine_that_qualifies() -> None:
    of = world(
        machine("m1", disk="ssd"),
        machine("m2"),
        machine("m3", disk="ssd"),
        machine("m4", disk="ssd"),
        machine("m5", disk="ssd"),
        units=[unit("all.service", is_global=True, needs={"disk": "ssd"})],
        placed={"all.service": "m3"},
        reports={"m5": silent()},
    )
    made = of_all(of)
    assert moves(made) == ["all + m1", "all + m4"]
    assert made.unplaceable == ()


def test_a_global_unit_stays_on_silent_machines_and_leaves_those_that_do_not_fit() -> None:
    of = world(
        machine("m1"),
        machine("m2", disk="ssd"),
        units=[unit("all.service", is_global=True, needs={"disk": "ssd"})],
        placed={"all.service": ["m1", "m2"]},
        reports={"m2": silent()},
    )
    assert moves(of_all(of)) == ["all - m1"]


def test_what_waits_for_a_silent_machine_is_told_by_name() -> None:
    units = [unit(name, is_global=True) for name in ("c.service", "a.service", "b.service")]
    made = of_all(world(machine("m1"), units=units, reports={"m1": silent()}))
    assert [waiting.unit for waiting in made.unheard] == ["a.service", "b.service", "c.service"]


def test_a_global_unit_does_not_wait_for_machines_that_may_hold_a_copy() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("all.service", is_global=True)],
        held={"all.service": "m2"},
        reports={"m2": silent()},
    )
    assert moves(of_all(of)) == ["all + m1"]


def test_a_cordoned_machine_keeps_what_it_has_and_gets_nothing_more() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[
            unit("all.service", is_global=True),
            unit("old.service"),
            unit("new.service"),
            unit("pin.service", machine_id=machine_id("m1")),
        ],
        placed={"old.service": "m1"},
        cordoned="m1",
    )
    made = of_all(of)
    assert moves(made) == ["all + m2", "new + m2"]
    assert refused(made)["pin.service"]["m1"] == ("is cordoned",)


def test_a_global_unit_that_fits_nowhere_says_why() -> None:
    of = world(
        machine("m2"),
        machine("m1", disk="hdd"),
        units=[unit("all.service", is_global=True, needs={"disk": "ssd"})],
    )
    answer = refused(of_all(of))["all.service"]
    assert list(answer.items()) == [
        ("m2", ("has no metadata disk",)),
        ("m1", ("disk is hdd, not ssd",)),
    ]


def test_no_machines_is_an_answer_too() -> None:
    of = world(units=[unit("web.service")])
    assert refused(of_all(of)) == {"web.service": {}}


def test_answers_are_sorted_by_unit() -> None:
    names = ["b.service", "a.service", "c.service"]
    units = [unit(name, machine_of=["z.service"]) for name in names]
    units.append(unit("z.service", machine_of=["y.service"]))
    assert list(refused(of_all(world(machine("m1"), units=units)))) == [
        "a.service",
        "b.service",
        "c.service",
        "z.service",
    ]


def test_placements_of_units_that_are_wanted_nowhere_count_for_nothing() -> None:
    of = world(machine("m1"), machine("m2"), units=[unit("old.service"), unit("web.service")])
    here = frozenset((machine_id("m1"),))
    old = of.desired.units[UnitName("old.service")]
    left = DesiredUnit(name=old.name, sha256=old.sha256, placements=here, holders=here)
    units = {**of.desired.units, old.name: left}
    made = of_all(replace(of, desired=replace(of.desired, units=units)))
    assert moves(made) == ["web + m1"]


PRINTED = """
from dataclasses import replace
from sshfleet.plan.scheduler import schedule
from tests.builders import machine, silent, unit, world

units = [unit(f"g{n}.service", is_global=True, conflicts=[f"c{n}*"]) for n in range(3)]
units += [unit("g3.service", is_global=True, needs={"x": "y"})]
units += [unit(f"c{n}.service", conflicts=["c*", "g0*"]) for n in range(9)]
units += [unit(f"r{n}.service", replaces=[f"c{n}*", "f1*"], needs={"rack": "r1"}) for n in range(4)]
units += [unit(f"o{n}.service", replaces=[f"o{(n + 1) % 3}*"]) for n in range(3)]
units += [unit(f"f{n}.service", machine_of=[f"f{(n + 1) % 5}.service", "c1.service"]) for n in range(9)]
of = world(
    *[machine(f"m{n}", rack=f"r{n % 2}") for n in range(6)],
    units=units,
    placed={f"c{n}.service": f"m{n % 3}" for n in range(6)}
    | {"g1.service": ["m1", "m2", "m3"], "g3.service": ["m0", "m1", "m2", "m3", "m4", "m5"]},
    held={"c7.service": ["m1", "m2"], "f8.service": ["gone", "m3", "m4"]},
    reports={"m4": silent()},
    cordoned=["m5"],
)
print(schedule(of, frozenset(of.units)))
"""  # noqa: E501 - it is a program


def test_the_hash_seed_changes_nothing() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINTED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    assert "UnitPlaced" in printed.pop()

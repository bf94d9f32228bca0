"""What if: a world without a machine or with one more, and what the scheduler makes of it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sshfleet.model.event import TargetState, UnitPlaced
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed, Unreachable
from sshfleet.model.unit import UnitName
from sshfleet.plan.planner import make_plan
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.whatif import as_last_seen, with_one_more, without
from sshfleet.plan.world import World
from tests.builders import machine, machine_id, silent, unit, world
from tests.strategies import worlds

M1, M2 = MachineName("m1"), MachineName("m2")


def placed(of: World) -> dict[str, str]:
    """Return where units go in this world: by unit the machine's ID."""
    plan = make_plan(of, frozenset(of.desired.units), Asked())
    return {one.unit: one.machine for one in plan.decisions if isinstance(one, UnitPlaced)}


def test_what_was_on_a_lost_machine_goes_elsewhere_if_it_may() -> None:
    units = [unit("a.service"), unit("pinned.service", machine_id=machine_id("m1"))]
    of = world(
        machine("m1"),
        machine("m2"),
        units=units,
        placed={"a.service": "m1", "pinned.service": "m1"},
    )
    after, lost = without(of, M1)
    assert [(one.unit, one.machine) for one in lost] == [
        ("a.service", "m1"),
        ("pinned.service", "m1"),
    ]
    assert placed(after) == {"a.service": machine_id("m2")}
    plan = make_plan(after, frozenset(of.desired.units), Asked())
    assert [one.unit for one in plan.unplaceable] == ["pinned.service"]


def test_a_machine_that_is_away_can_be_lost_too_and_bars_nobody_then() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("a.service")],
        placed={"a.service": "m1"},
        reports={"m1": silent()},
    )
    assert placed(of) == {}
    after, _ = without(of, M1)
    assert placed(after) == {"a.service": machine_id("m2")}


def test_one_more_machine_takes_what_had_no_place_and_draws_nothing_else() -> None:
    units = [unit("a.service", needs={"disk": "ssd"}), unit("b.service")]
    of = world(machine("m1"), machine("new-1"), units=units, placed={"b.service": "m1"})
    after = with_one_more(of, {"disk": "ssd"})
    assert [one.name for one in after.fleet.machines] == ["m1", "new-1", "new-2"]
    report = after.observed.reports[MachineName("new-2")]
    assert placed(after) == {"a.service": getattr(report, "machine", "")}
    twice = with_one_more(after, {})
    assert len({one.machine for one in twice.observed.reached().values()}) == 4


def test_what_was_destroyed_is_forgotten_with_the_machine() -> None:
    of = world(
        machine("m1"),
        units=[unit("a.service")],
        placed={"a.service": "m1"},
        targets={"a.service": TargetState.ABSENT},
    )
    after, lost = without(of, M1)
    assert lost == []
    assert UnitName("a.service") not in after.desired.units


def test_a_machine_that_was_never_seen_is_silent() -> None:
    of = world(machine("m1"), machine("m2"))
    blind = as_last_seen(replace(of, observed=Observed()))
    assert all(isinstance(one, Unreachable) for one in blind.observed.reports.values())
    assert set(blind.observed.reports) == {M1, M2}


@settings(max_examples=100)
@given(worlds(), st.data())
def test_nothing_is_left_of_a_lost_machine(of: World, data: st.DataObject) -> None:
    for each in of.fleet.machines:
        id_ = getattr(of.observed.reports.get(each.name), "machine", of.desired.id_of(each.name))
        after, lost = without(of, each.name)
        assert after.fleet.machine(each.name) is None
        assert {one.machine_id for one in lost} <= {id_}
        held = {
            m for unit_ in after.desired.units.values() for m in unit_.holders | unit_.placements
        }
        assert id_ not in held
        assert id_ not in placed(after).values() or id_ in after.observed.by_id()

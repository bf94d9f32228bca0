"""Explanations: no short cut, the scheduler's own verdict, and misses that are true."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sshfleet.model.explanation import Explanation, Miss
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import Unit, UnitName, is_template
from sshfleet.plan.explain import PUSHES, RULES, explain
from sshfleet.plan.feasibility import NEWCOMER_RULES
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World
from tests.builders import machine, machine_id, silent, unit, world
from tests.strategies import worlds

THREE = (machine("m1", disk="ssd"), machine("m2", disk="hdd"), machine("m3", disk="hdd"))


def explained(of: World, name: str) -> Explanation:
    return explain(of, UnitName(name))


def against(found: Explanation) -> dict[str, set[str]]:
    """Return by machine which rules speak against it."""
    return {one.machine: {w for w, why in one.rules.items() if why} for one in found.machines}


def misses(found: Explanation) -> list[tuple[tuple[str, ...], list[str]]]:
    return [(miss.without, [str(name) for name in miss.machines]) for miss in found.misses]


def four(*more: Unit) -> World:
    """Make a world where three of four that keep apart have taken all machines."""
    units = [unit(f"db@{n}.service", conflicts="db@*") for n in (1, 2, 3, 4)]
    placed = {f"db@{n}.service": f"m{n}" for n in (1, 2, 3)}
    return world(*THREE, units=[*units, *more], placed=placed)


def test_no_rule_of_the_scheduler_is_left_out() -> None:
    assert tuple(RULES.values()) == NEWCOMER_RULES


def test_the_fourth_of_four_that_keep_apart_hears_which_rule_keeps_it_out() -> None:
    found = explained(four(), "db@4.service")
    assert against(found) == {name: {"conflicts"} for name in ("m1", "m2", "m3")}
    assert not found.runs_somewhere
    assert misses(found) == [(("Conflicts=db@*",), ["m1", "m2", "m3"])]


def test_every_rule_is_asked_though_another_said_no() -> None:
    choosy = unit("a.service", needs={"disk": "ssd"}, conflicts="b*")
    of = world(
        *THREE,
        units=[choosy, unit("b.service")],
        placed={"b.service": "m2"},
        reports={"m2": silent(), "m1": silent()},
    )
    assert against(explained(of, "a.service")) == {
        "m1": {"ready"},
        "m2": {"ready", "metadata", "conflicts"},
        "m3": {"metadata"},
    }


def test_a_glob_of_the_other_side_alone_is_named_with_its_unit() -> None:
    of = world(
        machine("m1"),
        units=[unit("a.service"), unit("z.service", conflicts="a*")],
        placed={"z.service": "m1"},
    )
    assert misses(explained(of, "a.service")) == [(("Conflicts=a* of z.service",), ["m1"])]


def test_a_glob_that_several_others_have_is_left_out_of_all_of_them() -> None:
    others = [unit(f"z{n}.service", conflicts="a*") for n in (1, 2, 3)]
    of = world(
        machine("m1"),
        units=[unit("a.service"), *others],
        placed={each.name: "m1" for each in others},
    )
    (miss,) = explained(of, "a.service").misses
    assert miss.without == ("Conflicts=a* of z1.service and 2 more",)


def test_two_rules_are_left_out_only_where_no_single_one_helps() -> None:
    choosy = unit("a.service", needs={"disk": "nvme", "rack": ("a", "b")})
    (miss,) = explained(world(*THREE, units=[choosy]), "a.service").misses
    assert miss == Miss(
        ("MachineMetadata=disk=nvme", "MachineMetadata=rack=a or rack=b"),
        tuple(MachineName(name) for name in ("m1", "m2", "m3")),
    )


def test_the_rule_that_frees_most_machines_comes_first() -> None:
    choosy = unit("a.service", needs={"disk": "hdd"}, conflicts="b*")
    of = world(
        *THREE,
        machine("m4", disk="ssd"),
        units=[choosy, unit("b1.service"), unit("b2.service")],
        placed={"b1.service": "m2", "b2.service": "m3"},
    )
    found = misses(explained(of, "a.service"))
    assert found == [
        (("Conflicts=b*",), ["m2", "m3"]),
        (("MachineMetadata=disk=hdd",), ["m1", "m4"]),
    ]


def test_who_would_be_chosen_is_told_with_the_reason() -> None:
    of = world(*THREE, units=[unit("a.service"), unit("b.service")], placed={"b.service": "m1"})
    found = explained(of, "a.service")
    (step,) = found.comes
    assert (step.machine, step.reason) == (
        "m2",
        "least loaded of 3 machines that qualify (0 units)",
    )
    assert [one.units for one in found.machines] == [1, 0, 0]
    assert found.misses == ()


def test_a_placed_unit_is_judged_as_if_it_were_new_and_itself_does_not_count() -> None:
    of = world(*THREE, units=[unit("a.service", conflicts="a*")], placed={"a.service": "m2"})
    found = explained(of, "a.service")
    assert [(one.here, one.units, one.qualifies) for one in found.machines] == [
        (False, 0, True),
        (True, 0, True),
        (False, 0, True),
    ]
    assert (found.comes, found.leaves, found.runs_somewhere) == ((), (), True)


def test_a_unit_whose_rules_no_longer_hold_hears_where_it_goes() -> None:
    of = world(*THREE, units=[unit("a.service", needs={"disk": "ssd"})], placed={"a.service": "m2"})
    found = explained(of, "a.service")
    (leaves,), (comes,) = found.leaves, found.comes
    assert (leaves.machine, leaves.reason) == ("m2", "disk is hdd, not ssd")
    assert comes.machine == "m1"


def test_peers_without_a_machine_are_judged_with_it() -> None:
    units = [unit("a.service", machine_of="b.service"), unit("b.service", needs={"disk": "ssd"})]
    found = explained(world(*THREE, units=units), "a.service")
    assert found.beside == ("b.service",)
    assert against(found) == {"m1": set(), "m2": {"metadata"}, "m3": {"metadata"}}
    assert [step.machine for step in found.comes] == ["m1"]
    assert found.machines[1].rules["metadata"] == ("disk is hdd, not ssd (of b.service)",)


def test_what_would_be_pushed_off_counts() -> None:
    pushy = unit("new.service", replaces=("db@*",))
    found = explained(four(pushy), "new.service")
    assert against(found) == {name: {PUSHES} for name in ("m1", "m2", "m3")}
    assert misses(found) == [(("Replaces=db@*",), ["m1", "m2", "m3"])]


def test_who_makes_room_is_named_with_those_that_follow() -> None:
    units = [
        unit("new.service", replaces=("old*",), needs={"disk": "ssd"}),
        unit("old.service"),
        unit("side.service", machine_of="old.service"),
    ]
    of = world(*THREE, units=units, placed={"old.service": "m1", "side.service": "m1"})
    found = explained(of, "new.service")
    assert [step.machine for step in found.comes] == ["m1"]
    assert found.pushes_off == ("old.service", "side.service")


def test_nothing_helps_where_no_machine_answers() -> None:
    of = world(
        machine("m1"),
        units=[unit("a.service", needs={"disk": "ssd"}, machine_id=machine_id("gone"))],
        reports={"m1": silent()},
    )
    found = explained(of, "a.service")
    assert against(found) == {"m1": {"ready", "id", "metadata"}}
    assert found.misses == ()


def wanted(of: World) -> list[UnitName]:
    units = of.desired.units.values()
    return [one.name for one in units if one.target.on_machine and not is_template(one.name)]


@pytest.mark.timeout(300)
@settings(max_examples=200)
@given(worlds(), st.data())
def test_the_verdict_is_the_schedulers_and_every_miss_is_true(
    of: World, data: st.DataObject
) -> None:
    names = wanted(of)
    assume(names)
    name = data.draw(st.sampled_from(sorted(names)))

    found = explain(of, name)

    assert [one.machine for one in found.machines] == [one.name for one in of.fleet.machines]
    decided = schedule(of, frozenset({name, *found.beside}))
    nowhere = {refusal.unit for refusal in decided.unplaceable}
    if not found.runs_somewhere:
        assert name in nowhere
    if not found.places:
        assert found.runs_somewhere == any(one.qualifies for one in found.machines)
    for miss in found.misses:
        assert miss.machines
    assert explain(of, name) == found

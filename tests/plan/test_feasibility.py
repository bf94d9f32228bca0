from dataclasses import replace

import pytest
from hypothesis import given

from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import Observed, Reached, Trouble
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.board import NEWCOMER, Board, Past, Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.feasibility import NEWCOMER_RULES, OWN_RULES, qualifying, reasons_against
from sshfleet.plan.roster import roster_of
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World
from tests.builders import LINEAGE, machine, machine_id, reached, silent, state, unit, world
from tests.strategies import worlds


def reasons(of: World, on: str, name: str = "web.service") -> tuple[str, ...]:
    """Schedule one unit that can be placed nowhere and return what speaks against a machine."""
    answers = {each.unit: each.reasons for each in schedule(of, frozenset(of.units)).unplaceable}
    return {str(key): value for key, value in answers[UnitName(name)].items()}[on]


def judged(asking: Unit, *beside: Unit, **metadata: str) -> tuple[str, ...]:
    """Judge a unit as a newcomer on a machine m1 where the units `beside` stand."""
    roster = roster_of(world(machine("m1", **metadata), machine("m2")))
    board = Board(roster)
    for rank, other in enumerate(beside):
        tenant = Tenant(other.name, other.requirements, (rank, other.name))
        board.put(tenant, frozenset((machine_id("m1"),)))
    newcomer = Tenant(asking.name, asking.requirements, NEWCOMER)
    return reasons_against(newcomer, roster.candidates[0], board, NEWCOMER_RULES)


def test_a_unit_without_rules_may_be_anywhere() -> None:
    assert judged(unit("web.service")) == ()


@pytest.mark.parametrize("wanted", [machine_id("m1"), machine_id("m1")[:8]])
def test_a_machine_id_is_asked_for_in_full_or_by_its_first_eight_digits(wanted: str) -> None:
    assert judged(unit("web.service", machine_id=wanted)) == ()


@pytest.mark.parametrize("wanted", [machine_id("m2"), machine_id("m1")[:7], machine_id("m1")[:9]])
def test_any_other_machine_id_is_a_reason_that_shows_both(wanted: str) -> None:
    expected = f"its machine ID is {machine_id('m1')}, not {wanted}"
    assert judged(unit("web.service", machine_id=wanted)) == (expected,)


def test_metadata_says_what_is_asked_and_what_the_machine_has() -> None:
    asking = unit("web.service", needs={"disk": "ssd"})
    assert judged(asking, disk="hdd") == ("disk is hdd, not ssd",)
    assert judged(asking) == ("has no metadata disk",)
    assert judged(asking, disk="ssd") == ()


def test_values_of_one_key_are_alternatives_and_all_keys_are_needed() -> None:
    asking = unit("web.service", needs={"disk": ["ssd", "nvme"], "rack": "a"})
    assert judged(asking, disk="nvme", rack="a") == ()
    assert judged(asking, disk="hdd", rack="b") == (
        "disk is hdd, not ssd or nvme",
        "rack is b, not a",
    )


def test_metadata_is_compared_as_it_is_written() -> None:
    assert judged(unit("web.service", needs={"disk": "SSD"}), disk="ssd")
    assert judged(unit("web.service", needs={"Disk": "ssd"}), disk="ssd")


def test_every_peer_must_stand_on_the_machine() -> None:
    asking = unit("web.service", machine_of=["db.service", "log.service"])
    assert judged(asking, unit("db.service"), unit("log.service")) == ()
    assert judged(asking, unit("db.service")) == ("needs log.service here; it is placed nowhere",)


def test_a_missing_peer_is_said_to_be_where_it_is() -> None:
    of = world(
        *[machine(f"m{number}") for number in range(1, 6)],
        units=[
            unit("db.service"),
            unit("log.service", is_global=True),
            unit("web.service", machine_of=["db.service", "log.service"], needs={"x": "y"}),
        ],
        placed={"db.service": "m2", "log.service": ["m2", "m3", "m4", "m5"]},
    )
    only_web = frozenset((UnitName("web.service"),))
    [answer] = schedule(of, only_web).unplaceable
    assert next(iter(answer.reasons.values())) == (
        "has no metadata x",
        "needs db.service here; it is on m2",
        "needs log.service here; it is on m2, m3, m4 and 1 more",
    )


def test_a_conflict_counts_whoever_declares_it_and_names_the_rule() -> None:
    hello, web = unit("hello.service"), unit("web.service")
    rude_hello = unit("hello.service", conflicts=["w?b.*"])
    rude_web = unit("web.service", conflicts=["x", "hello*.service"])
    assert judged(web, hello) == ()
    assert judged(rude_web, hello) == (
        "conflicts with hello.service there (Conflicts=hello*.service of web.service)",
    )
    assert judged(web, rude_hello) == (
        "conflicts with hello.service there (Conflicts=w?b.* of hello.service)",
    )


def test_a_unit_never_conflicts_with_itself() -> None:
    web = unit("web.service", conflicts=["web*"])
    assert judged(web, web) == ()


@pytest.mark.parametrize("glob", ["hello", "[", "hello.service/", ""])
def test_a_glob_matches_whole_names_or_not_at_all(glob: str) -> None:
    assert judged(unit("web.service", conflicts=[glob]), unit("hello.service")) == ()


def test_all_units_that_forbid_another_are_found() -> None:
    rude = [unit(f"rude{n}.service", conflicts=["web.*"]) for n in range(2)]
    meek = unit("meek.service", conflicts=["other.*"])
    assert len(judged(unit("web.service"), *rude, meek)) == 2


def test_many_conflicts_are_counted_and_not_listed() -> None:
    others = [unit(f"hello@{number}.service") for number in range(5)]
    told = judged(unit("web.service", conflicts=["hello@*"]), *others)
    assert len(told) == 4
    assert told[0].startswith("conflicts with hello@0.service there")
    assert told[-1] == "conflicts with 2 more units there"


def test_all_rules_answer_in_their_order() -> None:
    of = world(
        machine("m1", disk="hdd"),
        machine("m2"),
        units=[
            unit("rude.service", conflicts=["web.*"]),
            unit(
                "web.service",
                needs={"disk": "ssd"},
                machine_of=["db.service"],
                machine_id="0" * 32,
            ),
        ],
        placed={"rude.service": "m1"},
        held={"web.service": "m2"},
        reports={"m1": silent("no route to host"), "m2": silent()},
    )
    assert reasons(of, "m1") == (
        "unreachable: no route to host",
        f"its machine ID is {machine_id('m1')}, not {'0' * 32}",
        "disk is hdd, not ssd",
        "needs db.service here; it is placed nowhere",
        "conflicts with rude.service there (Conflicts=web.* of rude.service)",
        "may still run on m2, which cannot be reached",
    )


def test_a_machine_that_did_not_answer_takes_nothing_and_says_why() -> None:
    broken = silent("", trouble=Trouble.UNMANAGEABLE)
    of = world(machine("m1"), machine("m2"), units=[unit("web.service")], reports={"m2": broken})
    unasked = replace(of, observed=Observed({MachineName("m2"): broken}))
    assert reasons(unasked, "m1") == ("unreachable: it was not asked",)
    assert reasons(unasked, "m2") == ("unreachable: unmanageable",)


def test_machines_with_the_same_id_take_nothing() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("web.service")],
        reports={"m2": reached("m1")},
    )
    assert reasons(of, "m1") == ("its machine ID is also that of m2",)
    assert reasons(of, "m2") == ("its machine ID is also that of m1",)


def test_a_machine_that_answers_with_the_id_of_a_silent_one_takes_nothing() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        units=[unit("web.service")],
        reports={"m1": silent(), "m2": reached("m1")},
    )
    assert reasons(of, "m2") == ("its machine ID is also that of m1",)


def test_a_machine_with_another_id_than_the_inventory_pins_takes_nothing() -> None:
    pinned = replace(machine("m1"), machine_id=machine_id("m9"))
    of = world(pinned, units=[unit("web.service")])
    assert reasons(of, "m1") == (
        f"its machine ID is {machine_id('m1')}, but the inventory says {machine_id('m9')}",
    )
    right = world(replace(machine("m1"), machine_id=machine_id("m1")), units=[unit("web.service")])
    assert not schedule(right, frozenset(right.units)).unplaceable


def report_with(**more: str) -> Reached:
    return reached("m1", state("web.service", **more))


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            report_with(fragment="/lib/systemd/system/web.service"),
            ("the name is taken by /lib/systemd/system/web.service",),
        ),
        (report_with(load="masked"), ("the name is taken by a unit that is not ours",)),
        (report_with(load="not-found"), None),
        (report_with(load=""), None),
        (reached("m1", state(unit("web.service"))), None),
        (reached("m1", state("other.service", fragment="/lib/other.service")), None),
    ],
)
def test_a_name_that_is_not_ours_there_is_taken(
    report: Reached, expected: tuple[str, ...] | None
) -> None:
    of = world(machine("m1"), units=[unit("web.service")], reports={"m1": report})
    if expected is None:
        assert not schedule(of, frozenset(of.units)).unplaceable
    else:
        assert reasons(of, "m1") == expected


def test_a_file_of_another_journal_is_not_taken_over() -> None:
    web = unit("web.service")
    mine = state(web)
    assert mine.record is not None
    theirs = replace(mine, record=replace(mine.record, lineage="another"))
    of = world(machine("m1"), units=[web], reports={"m1": reached("m1", theirs)})
    assert reasons(of, "m1") == ("belongs to another journal there",)
    young = replace(of, desired=replace(of.desired, lineage=""))
    assert not schedule(young, frozenset(of.units)).unplaceable
    assert of.desired.lineage == LINEAGE


def test_a_second_copy_is_barred_while_a_holder_cannot_be_asked() -> None:
    machines = [machine("m1"), machine("m2"), machine("m3")]
    of = world(
        *machines,
        units=[unit("web.service")],
        held={"web.service": ["m2", "gone"]},
        reports={"m2": silent()},
    )
    gone = f"may still run on {machine_id('gone')[:8]}..., which is not in the inventory"
    silent_m2 = "may still run on m2, which cannot be reached"
    assert reasons(of, "m1") == (gone, silent_m2)
    assert reasons(of, "m2") == ("unreachable: connection timed out", gone)


def test_a_holder_whose_identity_is_in_doubt_cannot_be_asked() -> None:
    of = world(
        machine("m1"),
        machine("m2"),
        machine("m3"),
        units=[unit("web.service")],
        held={"web.service": "m2"},
        reports={"m3": reached("m2")},
    )
    assert reasons(of, "m1") == ("may still run on m2, whose machine ID is also that of m3",)


def test_the_short_answer_is_that_of_the_judge() -> None:
    roster = roster_of(world(machine("m1", disk="hdd")))
    [candidate] = roster.candidates
    for asking in (unit("a.service"), unit("a.service", needs={"disk": "ssd"})):
        tenant = Tenant(asking.name, asking.requirements, NEWCOMER)
        told = reasons_against(tenant, candidate, Board(roster), NEWCOMER_RULES)
        assert qualifying(tenant, [candidate], Board(roster)) == ([] if told else [candidate])


@given(worlds())
def test_the_short_answer_is_that_of_the_judge_on_any_board(of: World) -> None:
    draft = Draft(of, frozenset(of.units))
    every = draft.board.roster.candidates
    for tenant in map(draft.newcomer, draft.tenants):
        fit = [
            one for one in every if not reasons_against(tenant, one, draft.board, NEWCOMER_RULES)
        ]
        assert qualifying(tenant, every, draft.board) == fit


def test_a_placed_unit_does_not_answer_for_its_machine() -> None:
    roster = roster_of(world(machine("m1"), reports={"m1": silent()}))
    away = Past(away={MachineId("0" * 32): "somewhere"})
    tenant = Tenant(UnitName("web.service"), unit("web.service").requirements, (1, ""), past=away)
    assert reasons_against(tenant, roster.candidates[0], Board(roster), OWN_RULES) == ()
    assert len(reasons_against(tenant, roster.candidates[0], Board(roster), NEWCOMER_RULES)) == 2

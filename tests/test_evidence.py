"""What the nemesis takes for a broken promise, and what not."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sshfleet.lab.spec import SHARED
from sshfleet.lab.waiting import holds
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineId
from sshfleet.model.unit import UnitName
from tests.faults.crew import Member, Witness, crew
from tests.faults.evidence import (
    Change,
    Complaint,
    Freeze,
    Life,
    at_once,
    excuses,
    unexcused,
    unexplained,
)
from tests.faults.ground import named
from tests.faults.inspection import Copy, differences, misplaced
from tests.faults.judge import Seen, broken

LEASE = 8.0
FROZEN = [Freeze("m1", 10, 60)]


def life(machine: str, first: float, last: float, unit: str = "u") -> Life:
    return Life(first=first, last=last, unit=unit, machine=machine)


@pytest.mark.parametrize(
    ("one", "other"),
    [((0, 5), (4, 9)), ((0, 9), (3, 4)), ((4, 9), (0, 5)), ((0, 5), (5, 9)), ((0, 5), (0, 5))],
)
def test_two_lives_on_two_machines_that_meet_are_told(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    assert len(at_once([life("m1", *one), life("m2", *other)], [])) == 1


@pytest.mark.parametrize(
    "lives",
    [
        [life("m1", 0, 5), life("m2", 5.1, 9)],
        [life("m1", 0, 5), life("m1", 4, 9)],
        [life("m1", 0, 5), life("m2", 0, 5, "other")],
        [life("m1", 0, 5), life("m2", 6, 9), life("m1", 10, 12)],
    ],
    ids=["one after the other", "on one machine", "two units", "there and back"],
)
def test_other_lives_are_none_of_our_business(lives: list[Life]) -> None:
    assert at_once(lives, []) == []


def test_a_long_life_meets_all_that_comes_later() -> None:
    lives = [life("m1", 0, 100), life("m1", 1, 2), life("m2", 50, 51), life("m3", 70, 71)]
    assert [two.machine for _, two in at_once(lives, [])] == ["m2", "m3"]


@pytest.mark.parametrize(
    ("seconds", "excused"), [(LEASE, []), (LEASE + 1, [Freeze("m1", 10, 10 + LEASE + 1 + 12)])]
)
def test_only_a_freeze_longer_than_the_lease_excuses_and_until_the_guard_had_its_turn(
    seconds: float, excused: list[Freeze]
) -> None:
    assert excuses([Freeze("m1", 10, 10 + seconds)], LEASE) == excused


@pytest.mark.parametrize(
    ("first", "last", "pairs"),
    [
        (11, 59, 0),
        (9, 9.5, 1),
        (5, 20, 1),
        (40, 71.9, 0),
        (40, 73, 1),
        (74, 75, 1),
    ],
    ids=["within", "before", "into it", "thaw", "after the thaw", "long after"],
)
def test_what_runs_on_a_frozen_machine_does_not_count_until_its_guard_had_its_turn(
    first: float, last: float, pairs: int
) -> None:
    lives = [life("m1", 0, 100), life("m2", first, last)]
    assert len(at_once(lives, excuses(FROZEN, LEASE))) == pairs
    assert len(at_once(lives, [])) == 1


def test_a_freeze_before_a_life_changes_nothing() -> None:
    lives = [life("m1", 75, 100), life("m2", 0, 80)]
    assert len(at_once(lives, excuses(FROZEN, LEASE))) == 1


def test_the_freeze_of_another_machine_excuses_nothing() -> None:
    lives = [life("m2", 0, 100), life("m3", 20, 30)]
    assert len(at_once(lives, FROZEN)) == 1


@pytest.mark.parametrize(
    ("at", "holder", "told"),
    [
        (20, life("m1", 0, 100), 0),
        (20, life("m1", 0, 9), 0),
        (5, life("m1", 0, 100), 1),
        (80, life("m1", 0, 100), 1),
        (20, life("m1", 0, 7), 1),
        (20, life("m1", 30, 100), 1),
        (20, life("m3", 0, 100), 1),
        (20, life("m1", 0, 100, "other"), 1),
    ],
    ids=[
        "frozen",
        "frozen for good",
        "before",
        "after",
        "ended before",
        "began later",
        "another machine",
        "another unit",
    ],
)
def test_a_lock_that_is_held_is_excused_only_by_a_copy_that_stands_still(
    at: float, holder: Life, told: int
) -> None:
    assert len(unexcused([Complaint(at, "u", "m2")], [holder], FROZEN)) == told
    assert len(unexcused([Complaint(at, "u", "m2")], [holder], [])) == 1


@pytest.mark.parametrize(
    ("at", "strange"), [(4.9, 1), (5.0, 0), (7.0, 0), (10.1, 1), (12.1, 0)], ids=str
)
def test_a_process_where_the_journal_placed_nothing_is_told(at: float, strange: int) -> None:
    changes = [
        Change(5, "u", "m1", holds=True),
        Change(10, "u", "m1", holds=False),
        Change(12, "u", "m1", holds=True),
        Change(1, "u", "m2", holds=True),
        Change(1, "other", "m1", holds=True),
    ]
    assert len(unexplained([life("m1", at, at + 1)], changes)) == strange


def test_manual_units_have_no_excuse_leased_ones_do_and_eager_ones_need_none() -> None:
    members = crew(12)
    names = ("lease-0.service", "manual-1.service", "eager-0.service")
    lives = [life(m, 20, 30, name) for name in names for m in ("m1", "m2")]
    changes = [Change(1, name, m, holds=True) for name in names for m in ("m1", "m2")]
    complaints = [Complaint(20, name, "m2") for name in names]
    found = broken(members, Seen(lives, complaints, FROZEN, changes), LEASE)
    assert len(found) == 2
    assert all("manual-1" in one for one in found)


def test_a_crew_has_all_ways_to_fail_over() -> None:
    members = crew(30)
    assert [sum(m.name.startswith(way) for m in members) for way in ("le", "ea", "ma", "gl")] == [
        10, 8, 8, 2,
    ]  # fmt: skip
    assert len({member.name for member in members}) == 30
    assert {m.name.split("-")[0] for m in members if not m.alone} == {"eager", "global"}


def test_leased_units_are_slow_to_end_and_the_last_word_of_each_command_is_the_version() -> None:
    told = {member.leased: member.text(7).split("ExecStart=")[1] for member in crew(30)}
    commands = {leased: text.splitlines()[0].split() for leased, text in told.items()}
    assert {leased: words[-2:] for leased, words in commands.items()} == {
        True: ["40", "v7"],
        False: ["3", "v7"],
    }


def test_a_witness_tells_of_another_one_of_its_unit_that_must_be_alone(tmp_path: Path) -> None:
    members = [one for one in crew(30) if one.name in ("lease-0.service", "eager-0.service")]
    witness = Witness(tmp_path, members)

    def begins(member: Member, machine: str) -> "subprocess.Popen[bytes]":
        command = (
            member.text(1).split("ExecStart=")[1].splitlines()[0].replace(SHARED, str(tmp_path))
        )
        words = command.replace("%n", member.name).replace("%m", machine).split()
        return subprocess.Popen(words, env={"INVOCATION_ID": "0"})

    def seen() -> set[tuple[str, str]]:
        return {(life.unit, life.machine) for life in witness.lives()}

    alive = []
    try:
        for machine in ("m1", "m2"):
            alive += [begins(member, machine) for member in members]
            assert holds(lambda: {(one.name, machine) for one in members} <= seen(), 60)  # noqa: B023
    finally:
        for process in alive:
            process.kill()
            process.wait()
    assert [(one.unit, one.machine) for one in witness.complaints()] == [("lease-0.service", "m2")]


def test_what_is_told_has_the_names_of_machines() -> None:
    known, unknown = "0123456789abcdef" * 2, "f" * 32
    lives = [life(known, 1, 2), life(unknown, 3, 4)]
    assert named(lives, {known: "core-01"}) == [
        "u on core-01 from 1.00 to 2.00",
        f"u on {unknown} from 3.00 to 4.00",
    ]


def desired(name: str, *machines: str, target: str = "launched", sha: str = "s") -> DesiredUnit:
    places = frozenset(MachineId(one) for one in machines)
    return DesiredUnit(
        name=UnitName(name),
        sha256=sha,
        target=TargetState(target),
        placements=places,
        holders=places,
    )


@pytest.mark.parametrize(
    ("target", "m1", "m2", "told"),
    [
        ("launched", Copy("s", "v2"), Copy(), 0),
        ("launched", Copy("s", "v1"), Copy(), 1),
        ("launched", Copy("s"), Copy(), 1),
        ("launched", Copy("other", "v2"), Copy(), 1),
        ("launched", Copy("s", "v2"), Copy("s"), 1),
        ("launched", Copy(), Copy("s", "v2"), 2),
        ("loaded", Copy("s"), Copy(), 0),
        ("loaded", Copy("s", "v2"), Copy(), 1),
    ],
)
def test_each_copy_is_to_be_as_the_journal_has_it(
    target: str, m1: Copy, m2: Copy, told: int
) -> None:
    found = {one: {"u.service": copy} for one, copy in (("m1", m1), ("m2", m2)) if copy != Copy()}
    unit = desired("u.service", "m1", target=target)
    assert len(differences(unit, {"s": "v2"}, {"m1": {}, "m2": {}, **found})) == told


def test_rules_of_placement_are_looked_after() -> None:
    members = crew(12)
    well = {
        one.name: desired(one.name, "m1", *["m2"] * one.is_global)
        for one in members
        if one.name != "apart.service"
    } | {"apart.service": desired("apart.service", "m2")}
    assert misplaced(well, members, 2) == []
    for name, places in {
        "apart.service": ["m1"],
        "follower.service": ["m2"],
        "global-0.service": ["m1"],
        "lease-0.service": ["m1", "m2"],
        "lease-1.service": [],
    }.items():
        assert len(misplaced({**well, name: desired(name, *places)}, members, 2)) == 1
    held = replace(well["eager-1.service"], holders=frozenset({MachineId("m1"), MachineId("m2")}))
    assert len(misplaced({**well, "eager-1.service": held}, members, 2)) == 1

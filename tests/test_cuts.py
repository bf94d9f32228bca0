"""What the partitions take for a broken promise, and what not."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from tests.faults.cuts import (
    BUSY,
    LOOKING,
    MOVES_WITHIN,
    Case,
    Cut,
    Figures,
    Limits,
    Phase,
    cases,
    disturbed,
    oldest_lease,
    wrongs,
)
from tests.faults.evidence import Change, Life
from tests.faults.judge import Seen

LIMITS = Limits(lease=10, stopping=2, trusted=14)
ENDED, OVER = 18, 36  # seconds after the cut


def life(machine: str, first: float, last: float, unit: str = "u") -> Life:
    return Life(first=first, last=last, unit=unit, machine=machine)


def placed(machine: str, at: float, unit: str = "u") -> Change:
    return Change(at, unit, machine, holds=True)


def left(machine: str, at: float, unit: str = "u") -> Change:
    return Change(at, unit, machine, holds=False)


def seen(lives: list[Life], changes: list[Change]) -> Seen:
    return Seen(lives, [], [], changes)


def case(healed: float, old: float, *fresh: Life, at: float | None = None) -> Case:
    """Return a unit on m1 that was cut off at 100: its process ended at 100 + `old`."""
    return Case(
        unit="u",
        cut=Cut("m1", 100, 100 + healed),
        old=life("m1", 0, 100 + old),
        leased=98,
        fresh=fresh,
        placed=() if at is None else (placed("m2", 100 + at),),
    )


RAN = case(5, 200)
ENDED_AND_BACK = case(20, 12, life("m1", 121, 300))
MOVED = case(50, 12, life("m2", 138, 300), at=37)
OVERTAKEN = case(37, 12, life("m2", 141, 300), at=39)


def test_the_limits_are_those_of_the_code() -> None:
    assert (LIMITS.ended, LIMITS.over) == (ENDED, OVER)


@pytest.mark.parametrize("one", [RAN, ENDED_AND_BACK, MOVED, OVERTAKEN])
def test_what_goes_as_it_should_is_not_told(one: Case) -> None:
    assert wrongs(one, LIMITS) == []


@pytest.mark.parametrize(
    ("one", "phase"),
    [
        (RAN, Phase.RAN),
        (ENDED_AND_BACK, Phase.ENDED),
        (MOVED, Phase.MOVED),
        (OVERTAKEN, Phase.ENDED),
    ],
)
def test_the_phase_is_what_had_become_of_it_at_the_heal(one: Case, phase: Phase) -> None:
    assert one.phase == phase


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (case(50, ENDED + BUSY + 0.1, life("m2", 140, 300), at=38), "ran on for 22.1 s"),
        (case(30, 200), "ran on for 30.0 s"),
        (case(20, 2.9, life("m1", 121, 300)), "long before its lease"),
        (replace(MOVED, placed=(placed("m2", 137), placed("m1", 160))), "placed 2 times"),
        (replace(MOVED, placed=(placed("m1", 137),)), "placed where it was"),
        (case(20, 12, life("m2", 130, 300), at=20 + LOOKING + 0.1), "8.1 s after the heal"),
        (case(50, 12, life("m2", 118, 300), at=15.9), "moved 17.9 s after its last lease"),
        (case(50, 20, life("m2", 117, 300), at=16.1), "ran elsewhere 3.0 s before"),
        (case(50, 12, life("m2", 138, 160), life("m1", 161, 300), at=37), "did not start once"),
        (case(50, 12, life("m2", 138, 150), life("m2", 151, 300), at=37), "did not start once"),
        (case(50, 12, at=37), "did not start once"),
        (case(OVER + MOVES_WITHIN + 0.1, 12, life("m1", 155, 300)), "did not move"),
        (case(20, 12, life("m2", 121, 300)), "started elsewhere"),
        (case(20, 12, life("m1", 121, 125), life("m1", 126, 300)), "again 2 times"),
        (case(20, 12, life("m1", 119, 300)), "while its machine was cut off"),
        (case(20, 12), "never started again"),
    ],
)
def test_a_broken_promise_is_told_with_its_times(one: Case, told: str) -> None:
    found = wrongs(one, LIMITS)
    assert len(found) == 1
    assert told in found[0]
    assert "m1 cut off at 100.0, healed after" in found[0]


def test_only_units_of_machines_that_were_cut_off_are_cases() -> None:
    lives = [
        life("m1", 0, 90),
        life("m1", 91, 112),
        life("m2", 140, 300),
        life("m3", 0, 300, "other"),
    ]
    cut = Cut("m1", 100, 150)
    changes = [placed("m1", 0), placed("m2", 137), placed("m9", 137, "third"), left("m1", 151)]
    leases = {"m1": [95.0, 99.0, 101.0, 152.0], "m2": [100.0, 137.0]}
    found = list(cases([cut], {"u": "m1", "other": "m3"}, seen(lives, changes), leases))
    moved = Case(
        unit="u", cut=cut, old=lives[1], leased=101, fresh=(lives[2],), placed=(changes[1],)
    )
    assert found == [moved]


def test_what_was_not_cut_off_is_to_stay_as_it_was() -> None:
    lives = [life("m1", 0, 300), life("m1", 101, 300, "again"), life("m1", 101, 300, "cut")]
    moves = [placed("m2", 120, "moved"), placed("m2", 120, "cut")]
    found = disturbed(100, {"u", "again", "moved"}, seen(lives, moves))
    assert [line.split()[0] for line in found] == ["again", "moved"]


@pytest.mark.parametrize(
    ("renewed", "oldest"),
    [([], 10), ([104], 6), ([103, 99, 106, 112], 4), ([101, 109, 110], 8)],
)
def test_the_age_of_a_lease_counts_from_one_renewal_to_the_next(
    renewed: list[float], oldest: float
) -> None:
    assert oldest_lease(renewed, 100, 110) == oldest


def test_the_figures_count_how_far_things_were() -> None:
    figures = Figures(cases=[RAN, ENDED_AND_BACK, MOVED, OVERTAKEN], cuts=4)
    assert figures.line() == (
        "4 cuts: when healed, of 4 units 1 still ran, 2 had ended, 1 had moved; "
        "ended after 12.0 to 12.0 s; 2 moved, 39.0 s after the last lease at least, "
        "with a gap of 26.0 s at least, at most 2.0 s after the heal; 1 started again at home"
    )
    assert "0 moved, nan s after" in Figures().line()
    assert "too busy to look in 2 more rounds" in Figures(too_busy=2).line()


def test_heals_come_before_between_and_after_the_two_deadlines() -> None:
    chance = random.Random(1)  # noqa: S311 - to be repeated
    times = [LIMITS.heals_after(chance) for _ in range(1000)]
    parts = Counter((time > LIMITS.lease) + (time > OVER + 4) for time in times)
    assert all(parts[part] > 150 for part in range(3)), parts
    assert 1 <= min(times) <= 2
    assert OVER + MOVES_WITHIN < max(times) <= OVER + MOVES_WITHIN + BUSY

"""The controller's work grows with the fleet and not with its square.

Counted in lines of Python carried out, so that a busy computer changes nothing. Machine IDs and
unit names count as well when they are hashed, so that loops that are written in C show, too.
"""

import sys
from types import FrameType
from typing import Any

import pytest

from bench.big_fleet import BigFleet
from bench.growth import STEPS, Work

SMALL, TIMES = 20, 4
# Sorting counts as one line, so all steps are near TIMES; with a scan for each unit: 4.5 and more.
MOST = 1.1 * TIMES


class Counted(str):
    """A text whose hashing is a line of Python."""

    __slots__ = ()

    def __hash__(self) -> int:
        return super().__hash__()


@pytest.fixture(scope="module")
def small() -> BigFleet:
    return BigFleet(SMALL, one_in=10, text=Counted)


@pytest.fixture(scope="module")
def large() -> BigFleet:
    return BigFleet(SMALL * TIMES, one_in=10, text=Counted)


def lines_of(work: Work) -> int:
    """Count the lines that are carried out, each pass of a loop anew."""
    count, before = 0, sys.gettrace()

    def trace(_frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("step", STEPS)
def test_no_step_grows_with_the_square_of_the_fleet(
    step: str, small: BigFleet, large: BigFleet
) -> None:
    before = lines_of(STEPS[step](small))
    assert lines_of(STEPS[step](large)) < MOST * before

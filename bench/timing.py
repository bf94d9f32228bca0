"""Samples of a contest, and what is made of them: medians and ratios.

Rule 1: a task counts only when its work was done: a sample with a complaint has no time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """What is compared: a task, on so many machines, under a condition."""

    machines: int
    condition: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What the relay says of itself; nothing without one.

    It carried so many packets with so many seconds of CPU. One of a hundred was late by more than
    `late` seconds, and so many were lost.
    """

    packets: int = 0
    cpu: float = 0.0
    late: float = 0.0
    lost: int = 0


NOTHING = Passed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One task done once by one contestant, in so many seconds.

    `wrong` is "" or says what was not done.
    """

    row: Row
    contestant: str
    turn: int
    seconds: float
    wrong: str = ""
    passed: Passed = NOTHING


@dataclass(frozen=True, slots=True)
class Result:
    """What one contestant needed in a row: the median in seconds, None when it never did it."""

    seconds: float | None
    tries: int
    failures: int

    def ratio(self, other: "Result | None") -> float | None:
        """Return this time in units of another; None when one of them is missing."""
        if self.seconds is None or other is None or not other.seconds:
            return None
        return self.seconds / other.seconds


Results = Mapping[Row, Mapping[str, Result]]  # of each row: by contestant


def results(samples: Iterable[Sample]) -> Results:
    """Take the medians of all samples; rows and contestants in the order in which they came."""
    heaps: dict[Row, dict[str, list[Sample]]] = {}
    for sample in samples:
        heaps.setdefault(sample.row, {}).setdefault(sample.contestant, []).append(sample)
    return {
        row: {name: _result(heap) for name, heap in by_name.items()}
        for row, by_name in heaps.items()
    }


def _result(samples: list[Sample]) -> Result:
    good = [sample.seconds for sample in samples if not sample.wrong]
    return Result(median(good) if good else None, len(samples), len(samples) - len(good))


def rotated(names: list[str], turn: int) -> list[str]:
    """Return the order of a turn: each begins once, so that nobody always follows the same."""
    start = turn % len(names) if names else 0
    return names[start:] + names[:start]


def by_task(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows task by task; otherwise their order stays."""
    listed = list(rows)
    for task in dict.fromkeys(row.task for row in listed):
        yield from (row for row in listed if row.task == task)

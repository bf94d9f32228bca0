"""What becomes of a leased unit whose machine is cut off for a while, and what must not.

Rule 1: pure. All times are seconds by the one clock that this computer and all machines of a lab
share.
Rule 2: what a process wrote and what the journal says decide, not what should have been.
"""

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from sshfleet.plan.leases import SWEEP, surely_over
from tests.faults.evidence import Change, Life
from tests.faults.judge import Seen

BUSY = 4.0
"""Seconds by which a busy computer may be late to end a process, or to say that it ended."""
RENEWED = 7.0
"""Seconds: so old may a lease get while somebody looks. Whoever looks more seldom lets leases end
everywhere, as docs/failover.md says; that is another story."""
LOOKING = 8.0
"""Seconds from a look that finds a machine silent to the move that rests on it. A heal in between
comes too late."""
MOVES_WITHIN = 10.0
"""Seconds in which a unit moves once it may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a lease of `lease` seconds means for units that take `stopping` seconds to stop, and
    `trusted` seconds at most as sshfleet reckons it."""

    lease: float
    stopping: float
    trusted: float

    @property
    def ended(self) -> float:
        """Return within how many seconds after the cut a unit has ended by itself."""
        return self.lease + SWEEP + self.stopping

    @property
    def over(self) -> float:
        """Return how many seconds after the cut a unit may move."""
        return math.ceil(surely_over(self.lease, self.trusted))

    def heals_after(self, chance: random.Random) -> float:
        """Choose how long a cut lasts: about the end of the lease, between, or about the move."""
        spans = (
            (1.0, self.lease + SWEEP),
            (self.lease, self.over),
            (self.over - self.stopping, self.over + MOVES_WITHIN + BUSY),
        )
        return chance.uniform(*chance.choices(spans, weights=(3, 3, 4))[0])


class Phase(StrEnum):
    """What had become of a unit when its machine was healed."""

    RAN = "still ran"
    ENDED = "had ended"
    MOVED = "had moved"


@dataclass(frozen=True, slots=True)
class Cut:
    """A machine that nothing reached from `begun` to `healed`."""

    machine: str
    begun: float
    healed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A unit of a machine that was cut off: its process then, and all that came later.

    `leased` is when the last lease was promised to the machine before it moved; `fresh` are the
    processes, `placed` where the journal placed it, both in order.
    """

    unit: str
    cut: Cut
    old: Life
    leased: float
    fresh: tuple[Life, ...] = ()
    placed: tuple[Change, ...] = ()

    @property
    def phase(self) -> Phase:
        """Tell how far things were when the machine was healed."""
        if self.placed and self.placed[0].at <= self.cut.healed:
            return Phase.MOVED
        return Phase.ENDED if self.old.last < self.cut.healed else Phase.RAN

    @property
    def ran_on(self) -> float:
        """Return for how many seconds its process ran on while the machine was cut off."""
        return min(self.old.last, self.cut.healed) - self.cut.begun

    @property
    def waited(self) -> float:
        """Return the seconds between the last lease and the move, if it moved."""
        return self.placed[0].at - self.leased if self.placed else math.inf

    @property
    def gap(self) -> float:
        """Return the seconds between its process there and the one elsewhere, if it moved."""
        return self.fresh[0].first - self.old.last if self.placed and self.fresh else math.inf

    @property
    def overtaken(self) -> float:
        """Return how many seconds after the heal it was placed elsewhere nevertheless."""
        return self.placed[0].at - self.cut.healed if self.placed else -math.inf


@dataclass(slots=True)
class Figures:
    """What came of all cases so far."""

    cases: list[Case] = field(default_factory=list)
    cuts: int = 0
    too_busy: int = 0  # rounds in which this computer was

    def line(self) -> str:
        """Return all of it."""
        phases = [case.phase for case in self.cases]
        ended = [case.ran_on for case in self.cases if case.phase is not Phase.RAN]
        moved = [case for case in self.cases if case.placed]
        again = sum(not case.placed and bool(case.fresh) for case in self.cases)
        too_busy = f"; too busy to look in {self.too_busy} more rounds" if self.too_busy else ""
        counts = ", ".join(f"{phases.count(phase)} {phase}" for phase in Phase)
        return (
            f"{self.cuts} cuts: when healed, of {len(phases)} units {counts}; "
            f"ended after {min(ended, default=0):.1f} to {max(ended, default=0):.1f} s; "
            f"{len(moved)} moved, {_least(case.waited for case in moved)} after the last lease at "
            f"least, with a gap of {_least(case.gap for case in moved)} at least, at most "
            f"{max([0, *(case.overtaken for case in moved)]):.1f} s after the heal; "
            f"{again} started again at home{too_busy}"
        )


def _least(seconds: Iterable[float]) -> str:
    return f"{min(seconds, default=math.nan):.1f} s"


def cases(
    cuts: Iterable[Cut], homes: Mapping[str, str], seen: Seen, renewed: Mapping[str, list[float]]
) -> Iterator[Case]:
    """Yield what became of each unit whose home was cut off; `homes` is where each then was.

    `renewed` is when leases were promised to each machine.
    """
    by_machine = {cut.machine: cut for cut in cuts}
    for unit, home in homes.items():
        if cut := by_machine.get(home):
            mine = sorted(life for life in seen.lives if life.unit == unit)
            placed = placements(seen, cut.begun, unit)
            moved = placed[0].at if placed else math.inf
            yield Case(
                unit=unit,
                cut=cut,
                old=[life for life in mine if life.first <= cut.begun][-1],
                leased=max(time for time in renewed[home] if time < moved),
                fresh=tuple(life for life in mine if life.first > cut.begun),
                placed=tuple(placed),
            )


def placements(seen: Seen, since: float, unit: str) -> list[Change]:
    """Return where a unit was placed since then."""
    return [one for one in seen.changes if one.holds and one.at > since and one.unit == unit]


def oldest_lease(renewed: Iterable[float], since: float, until: float) -> float:
    """Return how old a lease ever got in that time that was renewed then."""
    times = [since, *(time for time in sorted(renewed) if since < time < until), until]
    return max(later - earlier for earlier, later in pairwise(times))


def disturbed(since: float, untouched: Iterable[str], seen: Seen) -> list[str]:
    """Say what befell units since then whose machines nobody cut off."""
    return [
        f"{unit} was not cut off, and yet: {one}"
        for unit in sorted(untouched)
        for one in (
            *(life for life in seen.lives if life.unit == unit and life.first > since),
            *placements(seen, since, unit),
        )
    ]


def wrongs(case: Case, limits: Limits) -> list[str]:
    """Say what was not as promised."""
    found = [
        *_wrong_end(case, limits),
        *(_wrong_move if case.placed else _wrong_stay)(case, limits),
    ]
    return [f"{case.unit}: {one}\n    {_told(case)}" for one in found]


def _wrong_end(case: Case, limits: Limits) -> Iterator[str]:
    if case.ran_on > limits.ended + BUSY:
        yield f"ran on for {case.ran_on:.1f} s without a lease, {limits.ended:.0f} are allowed"
    if case.phase is not Phase.RAN and case.ran_on < limits.lease - RENEWED:
        yield f"ended {case.ran_on:.1f} s after the cut, long before its lease"


def _wrong_move(case: Case, limits: Limits) -> Iterator[str]:
    if case.placed[0].machine == case.cut.machine:
        yield "was placed where it was"
        return
    if len(case.placed) > 1:
        yield f"was placed {len(case.placed)} times"
    if case.overtaken > LOOKING:
        yield f"moved {case.overtaken:.1f} s after the heal"
    if case.waited < limits.ended:
        yield f"moved {case.waited:.1f} s after its last lease, when it might still run"
    if case.gap <= 0:
        yield f"ran elsewhere {-case.gap:.1f} s before its process had ended"
    if [life.machine for life in case.fresh] != [case.placed[0].machine]:
        yield "did not start once where it was placed, and nowhere else"


def _wrong_stay(case: Case, limits: Limits) -> Iterator[str]:
    if case.cut.healed - case.cut.begun > limits.over + MOVES_WITHIN:
        yield "did not move"
    if any(life.machine != case.cut.machine for life in case.fresh):
        yield "started elsewhere"
    if case.phase is Phase.ENDED and not case.fresh:
        yield "was never started again"
    if len(case.fresh) > 1:
        yield f"was started again {len(case.fresh)} times"
    if any(life.first <= case.cut.healed for life in case.fresh):
        yield "was started while its machine was cut off"


def _told(case: Case) -> str:
    begun, lasted = case.cut.begun, case.cut.healed - case.cut.begun
    parts = [
        f"{case.cut.machine} cut off at {begun:.1f}, healed after {lasted:.1f} s",
        f"its process ended after {case.old.last - begun:.1f} s",
        *(f"placed on {one.machine} after {one.at - begun:.1f} s" for one in case.placed),
        *(f"began on {one.machine} after {one.first - begun:.1f} s" for one in case.fresh),
    ]
    return "; ".join(parts)

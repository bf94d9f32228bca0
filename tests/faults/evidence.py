"""What witnesses saw and the journal says, and what of that breaks a promise.

Rule 1: pure. All times are seconds by the one clock that this computer and all machines of a lab
share.
Rule 2: a frozen machine cannot end what runs there when its lease is over. What a leased unit does
on it counts neither while it is frozen, longer than the lease, nor in the seconds that its guard
then has to end it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

GUARD_ENDS_WITHIN = 12.0  # seconds after the thaw: the guard looks each 5 or 6, and units end in 5
CLOCKS = 0.05  # seconds by which the clock of the journal may differ from that of the witness
TICK = 2.0  # seconds in which a process that lives has surely written the time


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Life:
    """One process of a unit: when it first and last said that it lives."""

    first: float
    last: float
    unit: str
    machine: str
    invocation: str = ""

    def __str__(self) -> str:
        """Say who ran where and when."""
        return f"{self.unit} on {self.machine} from {self.first:.2f} to {self.last:.2f}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A process found the lock of its unit held by another one."""

    at: float
    unit: str
    machine: str

    def __str__(self) -> str:
        """Say who found that it was not alone, and when."""
        return f"{self.unit} on {self.machine} found another one running at {self.at:.2f}"


@dataclass(frozen=True, slots=True)
class Freeze:
    """A machine stood still from `begun` to `ended`."""

    machine: str
    begun: float
    ended: float


@dataclass(frozen=True, slots=True)
class Change:
    """The journal says that from now on a machine may hold a unit, or that it does not any more."""

    at: float
    unit: str
    machine: str
    holds: bool


def excuses(freezes: Iterable[Freeze], lease: float) -> list[Freeze]:
    """Return when leased units on frozen machines do not count."""
    return [
        Freeze(one.machine, one.begun, one.ended + GUARD_ENDS_WITHIN)
        for one in freezes
        if one.ended - one.begun > lease
    ]


def at_once(lives: Iterable[Life], excused: Sequence[Freeze]) -> list[tuple[Life, Life]]:
    """Return the pairs of lives of one unit on two machines at the same time."""
    by_unit: defaultdict[str, list[Life]] = defaultdict(list)
    for life in lives:
        by_unit[life.unit] += _counted(life, excused)
    return [pair for pieces in by_unit.values() for pair in _overlaps(sorted(pieces))]


def _overlaps(pieces: Sequence[Life]) -> list[tuple[Life, Life]]:
    """Return each piece, in the order in which they begin, with the later ones it meets elsewhere.

    Of those before it, only one that lasts longest on each machine can meet a piece.
    """
    found = []
    longest: dict[str, Life] = {}
    for piece in pieces:
        found += [
            (other, piece)
            for machine, other in longest.items()
            if machine != piece.machine and other.last >= piece.first
        ]
        known = longest.get(piece.machine)
        if known is None or known.last < piece.last:
            longest[piece.machine] = piece
    return found


def _counted(life: Life, excused: Iterable[Freeze]) -> list[Life]:
    """Return what is left of a life without the times that do not count."""
    cuts = sorted((one.begun, one.ended) for one in excused if one.machine == life.machine)
    edges = [(life.first, life.first), *cuts, (life.last, life.last)]
    spans = [(max(one[1], life.first), min(two[0], life.last)) for one, two in pairwise(edges)]
    return [
        Life(first=first, last=last, unit=life.unit, machine=life.machine)
        for first, last in spans
        if first <= last
    ]


def unexcused(
    complaints: Iterable[Complaint], lives: Sequence[Life], excused: Sequence[Freeze]
) -> list[Complaint]:
    """Return the complaints that are not about a process on a machine that stands still."""
    return [one for one in complaints if not any(_held(one, life, excused) for life in lives)]


def _held(complaint: Complaint, life: Life, excused: Sequence[Freeze]) -> bool:
    """Tell whether this life may have held the lock without counting."""
    if life.unit != complaint.unit or life.machine == complaint.machine:
        return False
    return any(
        one.begun <= complaint.at <= one.ended
        and life.first <= complaint.at
        and life.last >= one.begun - TICK
        for one in excused
        if one.machine == life.machine
    )


def unexplained(lives: Iterable[Life], changes: Iterable[Change]) -> list[Life]:
    """Return the lives that began where the journal had not, at that time, placed the unit."""
    known: defaultdict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        known[change.unit, change.machine].append(change)
    return [life for life in lives if not _explained(life.first, known[life.unit, life.machine])]


def _explained(at: float, changes: Sequence[Change]) -> bool:
    before = [change.holds for change in changes if change.at <= at + CLOCKS]
    return bool(before) and before[-1]

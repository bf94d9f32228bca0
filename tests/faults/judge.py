"""What the nemesis and the partitions hold against sshfleet, from witnesses and the journal."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sshfleet.journal.store import read_history
from sshfleet.model.event import CopyGivenUp, LeasesPromised, UnitPlaced, UnitRemoved
from tests.faults import evidence
from tests.faults.crew import Member
from tests.faults.evidence import Change, Complaint, Freeze, Life
from tests.faults.mischief import now


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of what happened."""

    lives: list[Life]
    complaints: list[Complaint]
    freezes: list[Freeze]
    changes: list[Change]


def broken(members: Iterable[Member], seen: Seen, lease: float) -> list[str]:
    """Return what breaks I1 or I4."""
    alone = {member.name for member in members if member.alone}
    leased = {member.name for member in members if member.leased}
    found = []
    for names, excuses in (
        (leased, evidence.excuses(seen.freezes, lease)),
        (alone - leased, []),
    ):
        lives = [life for life in seen.lives if life.unit in names]
        complaints = [one for one in seen.complaints if one.unit in names]
        pairs = evidence.at_once(lives, excuses)
        found += [f"I1: {one}\n     and {two}" for one, two in pairs]
        found += [f"I1: {one}" for one in evidence.unexcused(complaints, lives, excuses)]
    strange = evidence.unexplained(seen.lives, seen.changes)
    return found + [f"I4: {one}, where it was not placed" for one in strange]


def changes(journal: Path) -> list[Change]:
    """Return which machine may hold what since when, by the clock of the machines."""
    ahead = time.time() - now()
    return [
        Change(
            record.at.timestamp() - ahead,
            event.unit,
            event.machine,
            holds=isinstance(event, UnitPlaced),
        )
        for record in read_history(journal)
        if isinstance(event := record.event, UnitPlaced | UnitRemoved)
    ]


def renewals(journal: Path) -> dict[str, list[float]]:
    """Return when leases were promised to each machine, by the clock of the machines."""
    ahead = time.time() - now()
    found: dict[str, list[float]] = {}
    for record in read_history(journal):
        if isinstance(event := record.event, LeasesPromised):
            for machine in event.machines:
                found.setdefault(machine, []).append(record.at.timestamp() - ahead)
    return found


def moves(journal: Path) -> str:
    """Say how often the journal gave a copy up, and how often because its lease was over."""
    events = (record.event for record in read_history(journal))
    reasons = [event.reason for event in events if isinstance(event, CopyGivenUp)]
    return f"copies given up {len(reasons)}, leases over {sum('lease' in one for one in reasons)}"

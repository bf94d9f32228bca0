"""One look more at one machine: what it adds to how the machine has stood. No I/O, no clock.

Rule 1: from `first` to `last` a trouble was seen: from the end of the look that found it to the
beginning of the latest that found it again.
Rule 2: an answer ends every trouble, whenever it came. A trouble found by a look that began before
what is known was over is old news: it changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sshfleet.model.observed import Trouble
from sshfleet.model.standing import SILENCE, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look found: from `began` to `ended`, in ms of CLOCK_BOOTTIME of this boot.

    `blind`: nobody else answered either, so it says nothing of this machine.
    """

    trouble: Trouble | None
    detail: str
    at: datetime
    boot: str
    began: int
    ended: int
    blind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How a machine stood: `looks` in a row with this trouble, seen from `first` to `last`."""

    trouble: Trouble | None
    detail: str
    since: datetime
    boot: str
    first: int
    last: int
    looks: int

    @property
    def is_sound(self) -> bool:
        """Tell whether it makes sense: what is read from a file may say anything."""
        return 0 <= self.first <= self.last and self.looks >= 0 and self.since.tzinfo is not None

    def standing(self, boot: str) -> Standing:
        """Return what it means now; of another boot of this computer nothing is counted."""
        counts = self.boot == boot != ""
        return Standing(
            trouble=self.trouble,
            detail=self.detail,
            since=self.since,
            looks=self.looks if counts else 0,
            seconds=(self.last - self.first) / 1000 if counts else 0.0,
        )


def fold(row: Row | None, look: Look) -> Row:
    """Add a look to what is known of a machine."""
    if row is None or not _goes_on(row, look):
        return _begun(row, look)
    same_boot = row.boot == look.boot != ""
    if same_boot and look.trouble and look.began < row.last:
        return row
    if not (same_boot and row.looks) or look.blind:
        return replace(_begun(None, look), since=row.since)
    last = max(row.last, look.began if look.trouble else look.ended)
    return replace(row, trouble=look.trouble, detail=look.detail, last=last, looks=row.looks + 1)


def _goes_on(row: Row, look: Look) -> bool:
    return row.trouble == look.trouble or {row.trouble, look.trouble} <= SILENCE


def _begun(row: Row | None, look: Look) -> Row:
    """Begin to count, unless this is old news."""
    before = row.last if row and row.boot == look.boot != "" else 0
    if row and look.trouble and look.began < before:
        return row
    moment = max(before, look.ended)
    return Row(
        trouble=look.trouble,
        detail=look.detail,
        since=look.at,
        boot=look.boot,
        first=moment,
        last=moment,
        looks=0 if look.blind else 1,
    )

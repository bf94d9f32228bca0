"""Who a machine belongs to: the line that the journal which changed it last left there.

Rule 1: a journal works on a machine only when nobody owns it or when it knows the mark it finds:
one it meant to write itself, or was told to take over (`adopt`). So a second journal is refused,
and so is an older or a twin copy of the same one.
Rule 2: a mark is in the journal before it is sent. A run that was killed in between is recognised.
Rule 3: numbers of marks only grow. A lower one than this journal ever saw there is a machine that
was set back (a snapshot of its disk), not another journal.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_MARK = re.compile(r"([0-9]{1,15})-[0-9a-f]{16}")
_PLAIN = re.compile(r"[0-9A-Za-z-]{1,64}")
_KNOWN = 32  # marks that a journal keeps of a machine
_WORDS = 100  # characters of who and when, which are for people only


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The owner of a machine: `mark` is of the last run that changed it, `by` is user@host, `at`
    the time (RFC 3339) by that computer's clock; the latter two are for people."""

    lineage: str
    mark: str
    by: str = ""
    at: str = ""

    def line(self) -> str:
        """Return the owner as one line of JSON, as it lies on the machine."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a machine is told before it is changed: whose it is to be from now on, and which marks
    it may bear so far; one of the same lineage with a number below `floor` will do, too."""

    owner: Owner
    accepted: tuple[str, ...]
    floor: int


def owner_in(line: str) -> Owner | None:
    """Read an owner's line; None when it is none, and so nobody's."""
    try:
        owner = Owner(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (owner.lineage, owner.mark, owner.by, owner.at)
    if not all(isinstance(text, str) for text in texts):
        return None
    if not _PLAIN.fullmatch(owner.lineage) or not _MARK.fullmatch(owner.mark):
        return None
    return Owner(lineage=owner.lineage, mark=owner.mark, by=owner.by[:_WORDS], at=owner.at[:_WORDS])


def whose(owner: Owner | None) -> str:
    """Say for people who changed a machine last."""
    if owner is None:
        return "last changed by somebody"
    when = f" at {owner.at}" if owner.at else ""
    return f"last changed by {owner.by or 'somebody'}{when}, lineage {owner.lineage[:8]}"


def number_of(mark: str) -> int:
    """Return the number a mark begins with, 0 for what is no mark."""
    found = _MARK.fullmatch(mark)
    return int(found[1]) if found else 0


def may_work(owner: Owner | None, lineage: str, marks: Sequence[str]) -> bool:
    """Tell whether the journal of this lineage, which knows these marks, may work on a machine.

    The first of `marks` is the one that was last seen there.
    """
    if owner is None or owner.mark in marks:
        return True
    return bool(marks) and owner.lineage == lineage and number_of(owner.mark) < number_of(marks[0])


def later_marks(marks: Sequence[str], seen: str) -> tuple[str, ...]:
    """Return the marks a machine may bear that was just seen with the mark `seen`, or with none.

    What was written before that one cannot come back; what came later may still be on its way.
    """
    if seen in marks:
        marks = marks[list(marks).index(seen) + 1 :]
    return (*([seen] if seen else []), *marks[-_KNOWN:])

"""Who a machine belongs to: the line that the journal which changed it last left there.

Rule 1: a journal works on a machine only when nobody owns it or when it knows the mark it finds:
one it meant to write itself, or was told to take over (`adopt`). So a second journal is refused,
and so is an older or a twin copy of the same one.
Rule 2: a mark is in the journal before it is sent. A run that was killed in between is recognised.
Rule 3: work that was planned upon a look is not begun when the machine was changed since: what a
run that was killed had set going may end late. Nor when it rebooted since: what was to be restarted
runs anew by itself.
Rule 4: numbers of marks only grow. A lower one than this journal ever saw there is a machine that
was set back (a snapshot of its disk), not another journal.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple, Self

MARK = re.compile(r"([0-9]{1,15})-[0-9a-f]{16}")
_TURN = re.compile(r"[1-9][0-9]{0,5}")
_PLAIN = re.compile(r"[0-9A-Za-z-]{1,64}")
_KNOWN = 32  # marks that a journal keeps of a machine
_WORDS = 200  # characters of what is for people


class Signature(NamedTuple):
    """Who works, for people: `by` is user@host, `journal` a path there, `at` the time (RFC 3339) by
    the clock there."""

    by: str = ""
    at: str = ""
    journal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The owner of a machine: `mark` is of the last run that changed it, `turn` counts the times it
    did, the rest is its Signature."""

    lineage: str
    mark: str
    turn: str = "1"
    by: str = ""
    at: str = ""
    journal: str = ""

    @classmethod
    def signed(cls, lineage: str, mark: str, signature: Signature, turn: int = 1) -> Self:
        """Make the owner that a run becomes; what is too long to be useful is cut."""
        words = {key: text[:_WORDS] for key, text in signature._asdict().items()}
        return cls(lineage=lineage, mark=mark, turn=str(turn), **words)

    @property
    def change(self) -> str:
        """Name the change that was made last: of two looks with the same, nothing came between."""
        return f"{self.mark}/{self.turn}"

    def is_of(self, signature: Signature) -> bool:
        """Tell whether the same journal file, on the same computer, signs so."""
        mine = Owner.signed(self.lineage, self.mark, signature)
        return (self.by, self.journal) == (mine.by, mine.journal)

    def line(self) -> str:
        """Return the owner as one line of JSON, as it lies on the machine."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a machine is told before it is changed: whose it is to be from now on, and which marks
    it may bear so far; one of the same lineage with a number below `floor` will do, too.

    `seen` is the last change of the machine that the work was planned upon, empty for none, and
    `boot_id` the boot it was on then, empty when any will do.
    """

    owner: Owner
    accepted: tuple[str, ...]
    floor: int
    seen: str = ""
    boot_id: str = ""


def owner_in(line: str) -> Owner | None:
    """Read an owner's line; None when it is none, and so nobody's."""
    try:
        said = dict(json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    texts = [said.get(key, "") for key in ("lineage", "mark", "turn", *Signature._fields)]
    if not all(isinstance(text, str) for text in texts):
        return None
    lineage, mark, turn, *signature = texts
    if not (_PLAIN.fullmatch(lineage) and MARK.fullmatch(mark) and _TURN.fullmatch(turn)):
        return None
    return Owner.signed(lineage, mark, Signature(*signature), int(turn))


def whose(owner: Owner | None) -> str:
    """Say for people who changed a machine last."""
    if owner is None:
        return "last changed by somebody"
    who = ":".join(filter(None, (owner.by or "somebody", owner.journal)))
    return f"last changed by {who}{f' at {owner.at}' if owner.at else ''}"


def number_of(mark: str) -> int:
    """Return the number a mark begins with, 0 for what is no mark."""
    found = MARK.fullmatch(mark)
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

"""Reading the journal's bytes in one pass: check every line and the chain they form.

Rule 1: the chain is whole: `seq` counts up by one and `prev` is the sum of the line before. A
journal begins with seq 1 or with a snapshot, and a snapshot stands nowhere else.
Rule 2: a torn tail is a bad end that nothing whole follows: what a crash leaves of a write that
was never acknowledged. A bad line with a whole one after it is damage, and so is a file without a
whole line, for the first ones were whole before the file got its name.
Rule 3: so is a write of several records that has not come to its end: it counts as a whole.
Rule 4: a power cut may keep a later sector of a write and lose an earlier one, which then reads
as zeros. So what follows zeros and was written together with them is torn as well.
Rule 5: every byte is looked at as it was read the first time: a command may be writing meanwhile.
"""

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sshfleet.errors import JournalCorrupt, JournalError
from sshfleet.journal.codec import Malformed, TooNew
from sshfleet.journal.record import BEGINNING, Record, decode, is_whole
from sshfleet.journal.snapshot import Snapshot

_RECORD_STARTS = re.compile(rb"(?=%s)" % re.escape(BEGINNING))


class NotAJournal(JournalCorrupt):
    """The file is something else: nobody's journal was damaged."""


class _Place(NamedTuple):
    """After so many lines and bytes: the number and the sum of the last record."""

    lines: int = 0
    size: int = 0
    seq: int = 0
    sum: str = ""


class Reading:
    """One pass over a journal that comes in parts: iterate over its records, which may raise
    JournalCorrupt or JournalError with `path:line`.

    While that goes on, and after it: `lines` and `size` (bytes) are of the records so far, `seq`
    and `sum` those of the last, `first` the seq of the first, `snapshot` the size of the line it
    is, or 0. Records that were written together come together. At the end `torn` is what follows
    the last write that is whole.
    """

    def __init__(self, parts: Iterable[bytes], path: Path) -> None:
        self.path = path
        self.lines, self.size, self.seq, self.sum = _Place()
        self.first, self.snapshot = 0, 0
        self.torn = b""
        self._parts = iter(parts)
        self._place = _Place()
        self._held: list[tuple[bytes, Record]] = []  # of a write that has not come to its end

    def __iter__(self) -> Iterator[Record]:
        pieces: list[bytes] = []
        for part in self._parts:
            pieces.append(part)
            if b"\n" not in part:
                continue
            data = b"".join(pieces)
            *lines, rest = data.split(b"\n")
            pieces, start = [rest], self._place.size
            for line in lines:
                if not is_whole(line):
                    self._end(b"".join([data[self._place.size - start :], *self._parts]))
                    return
                record = self._take(line)
                if self._held or record.last > record.seq:
                    self._held.append((line, record))
                if record.last <= record.seq:
                    self.lines, self.size, self.seq, self.sum = self._place
                    yield from [one for _, one in self._held] or [record]
                    self._held = []
        self._end(b"".join(pieces))

    def note(self) -> str:
        """Return the beginning of a line that tells of the torn tail."""
        return f"line {self.lines + 1} of the journal is incomplete ({len(self.torn)} bytes)"

    def corrupt(self, problem: str, line: int) -> JournalCorrupt:
        """Say that a line is damaged, and how to go on."""
        return JournalCorrupt(
            problem,
            hint="restore the journal from a backup, or see what can be kept of it: "
            "sshfleet journal-repair",
            place=f"{self.path}:{line}",
        )

    def _take(self, line: bytes) -> Record:
        number, size = self._place.lines + 1, len(line) + 1
        try:
            record = decode(line)
        except TooNew as unknown:
            raise JournalError(
                f"this was written by a newer sshfleet: {unknown} is not known here",
                hint="upgrade sshfleet on this computer",
                place=f"{self.path}:{number}",
            ) from unknown
        except Malformed as problem:
            raise self.corrupt(f"this record is damaged: {problem}", number) from problem
        if broken := self._break_in_chain(record):
            raise self.corrupt(broken, number)
        if number == 1:
            self.first = record.seq
            self.snapshot = size if isinstance(record.event, Snapshot) else 0
        self._place = _Place(number, self._place.size + size, record.seq, record.sum)
        return record

    def _break_in_chain(self, record: Record) -> str:
        snapshot, place = isinstance(record.event, Snapshot), self._place
        if not place.lines:
            if snapshot or (record.seq == 1 and not record.prev):
                return ""
            return f"the records before this one (number {record.seq}) are missing"
        if snapshot:
            return "a snapshot stands where only the first line may be one"
        if record.seq != place.seq + 1 or record.prev != place.sum:
            return f"record {record.seq} does not follow record {place.seq} of the line before"
        if self._held and record.first != self._held[0][1].seq:
            return f"record {record.seq} stands in the midst of another write"
        return ""

    def _end(self, rest: bytes) -> None:
        if rest and not (self.lines and _may_be_torn(rest, self._place.seq + 1)):
            raise self._damaged(rest)
        if self._held and not self.lines:
            raise self._damaged(rest)
        self.torn = b"".join([*(line + b"\n" for line, _ in self._held), rest])

    def _damaged(self, rest: bytes) -> JournalCorrupt:
        if not self._place.lines and BEGINNING not in rest:
            return NotAJournal(
                "this is not a journal of sshfleet",
                hint="say --journal with the path of a journal, or of a file that does not exist "
                "yet",
                place=f"{self.path}:1",
            )
        return self.corrupt("this record is damaged", self._place.lines + 1)


def _may_be_torn(rest: bytes, seq: int) -> bool:
    """Tell whether a bad end, which begins where record `seq` belongs, is of one write."""
    bad, *pieces = [piece for piece in _RECORD_STARTS.split(rest) if piece]
    whole = [line for piece in pieces if is_whole(line := piece.rstrip(b"\n"))]
    return not whole or (b"\0" in bad and all(_first(line) <= seq for line in whole))


def _first(line: bytes) -> float:
    """Return the number of the first record that a line was written together with."""
    try:
        return decode(line).first
    except Malformed:
        return math.inf

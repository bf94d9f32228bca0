"""Reading the journal's bytes: check every line and the chain they form.

Rule 1: the chain is whole: `seq` counts up by one and `prev` is the sum of the line before. A
journal begins with seq 1 or with a snapshot, and a snapshot stands nowhere else.
Rule 2: a torn tail is a bad end that nothing whole follows: what a crash leaves of a write that
was never acknowledged. A bad line with a whole one after it is damage, and so is a file with no
whole line, unless it is the beginning of a first one.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sshfleet.errors import JournalCorrupt, JournalError
from sshfleet.journal.codec import Malformed, TooNew
from sshfleet.journal.record import BEGINNING, Record, decode, is_whole
from sshfleet.journal.snapshot import Snapshot

_RECORD_STARTS = re.compile(rb"(?=%s)" % re.escape(BEGINNING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What was read: good records, the bytes they take up, and what was torn off after them."""

    records: list[Record]
    size: int
    torn: bytes

    def note(self) -> str:
        """Return the beginning of a line that tells of the torn tail."""
        return f"line {len(self.records) + 1} of the journal is incomplete ({len(self.torn)} bytes)"


def scan(data: bytes, path: Path) -> Log:
    """Read a whole journal; raise JournalCorrupt or JournalError with `path:line`."""
    records: list[Record] = []
    size = 0
    for line in _lines(data):
        if not is_whole(line):
            break
        record = _decoded(line, path, len(records) + 1)
        if problem := _break_in_chain(record, records[-1] if records else None):
            raise corrupt(problem, path, len(records) + 1)
        records.append(record)
        size += len(line) + 1
    torn = data[size:]
    if torn and not _may_be_torn(torn, first=not records):
        raise _damaged(path, len(records) + 1, torn)
    return Log(records=records, size=size, torn=torn)


def corrupt(problem: str, path: Path, line: int) -> JournalCorrupt:
    """Say that a line is damaged, and how to go on from the lines before it."""
    journal, kept = shlex.quote(str(path)), shlex.quote(f"{path}.damaged")
    hint = "restore the journal from a backup; docs/journal.md tells how to check it"
    if line > 1:
        hint += (
            f"; to go on with the {line - 1} lines before: "
            f"cp -p {journal} {kept} && head -n {line - 1} {kept} > {journal}"
        )
    return JournalCorrupt(problem, hint=hint, place=f"{path}:{line}")


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines that end in a newline, without it."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end]
        start = end + 1


def _decoded(line: bytes, path: Path, number: int) -> Record:
    try:
        return decode(line)
    except TooNew as unknown:
        raise JournalError(
            f"this was written by a newer sshfleet: {unknown} is not known here",
            hint="upgrade sshfleet on this computer",
            place=f"{path}:{number}",
        ) from unknown
    except Malformed as problem:
        raise corrupt(f"this record is damaged: {problem}", path, number) from problem


def _break_in_chain(record: Record, before: Record | None) -> str:
    snapshot = isinstance(record.event, Snapshot)
    if before is None:
        if snapshot or (record.seq == 1 and not record.prev):
            return ""
        return f"the records before this one (number {record.seq}) are missing"
    if snapshot:
        return "a snapshot stands where only the first line may be one"
    if record.seq != before.seq + 1 or record.prev != before.sum:
        return f"record {record.seq} does not follow record {before.seq} of the line before"
    return ""


def _may_be_torn(rest: bytes, *, first: bool) -> bool:
    if first:
        # Whatever else is in a file without one good record is not ours to cut.
        return b"\n" not in rest and rest[: len(BEGINNING)] == BEGINNING[: len(rest)]
    pieces = [piece for piece in _RECORD_STARTS.split(rest) if piece]
    return not any(is_whole(piece.rstrip(b"\n")) for piece in pieces[1:])


def _damaged(path: Path, number: int, rest: bytes) -> JournalError:
    if number == 1 and BEGINNING not in rest:
        return JournalCorrupt(
            "this is not a journal of sshfleet",
            hint="say --journal with the path of a journal, or of a file that does not exist yet",
            place=f"{path}:1",
        )
    return corrupt("this record is damaged", path, number)

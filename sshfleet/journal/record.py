"""One line of the journal: canonical JSON that carries its own sum and that of the line before.

Rule 1: a line is, byte for byte, what `jq -cS .` prints: UTF-8, keys sorted by code point, no
blanks, control characters and U+007F escaped. Its `sum` is the SHA-256 of the same line without
`sum`; docs/journal.md shows how to check that by hand.
Rule 2: the end of a line, `,"sum":"…","v":N}`, is the same in every version of the format, so that
an older program can tell a newer line from a damaged one.
Rule 3: nothing is parsed before its sum was found right.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from sshfleet.journal.codec import Json, TooNew, event_to_dict
from sshfleet.journal.envelope import reader
from sshfleet.journal.snapshot import Snapshot, snapshot_to_dict
from sshfleet.model.event import Event

FORMAT = 1
BEGINNING = b'{"at":"'
"""How every line begins; within a line these bytes cannot occur, for `"` is escaped in text."""

_END = re.compile(rb',"sum":"([0-9a-f]{64})",("v":[1-9][0-9]{0,8}\})\Z')
_VERSION = b'"v":%d}' % FORMAT
_LONGEST_END = 100  # bytes
_LONGEST_COMMAND = 200  # characters; it stands in every line of a command with many events


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When, by whom (`user@host`) and by which command line something is written."""

    at: datetime
    by: str
    cmd: str


class Record(NamedTuple):  # made in a fifth of the time of a frozen dataclass, for every line
    """One line, read and found right; `prev` and `sum` are SHA-256 in hex.

    `first` and `last` are the numbers of the records that were written together with this one.
    """

    seq: int
    at: datetime
    by: str
    cmd: str
    event: Event | Snapshot
    prev: str
    sum: str
    first: int
    last: int


def encode(
    event: Event | Snapshot, stamp: Stamp, *, seq: int, prev: str, together: range = range(0)
) -> tuple[bytes, str]:
    """Return the line for an event, its newline included, and its sum; raise Malformed.

    `together` has the numbers of all records of one write, this one's among them.
    """
    body = canonical(
        {
            "at": rfc3339(stamp.at),
            "by": _tame(stamp.by),
            "cmd": _tame(stamp.cmd),
            "event": _event_to_dict(event),
            **({"first": together[0]} if seq in together[1:] else {}),
            **({"last": together[-1]} if seq in together[:-1] else {}),
            "prev": prev,
            "seq": seq,
            "v": FORMAT,
        }
    )
    digest = hashlib.sha256(body).hexdigest()
    return b'%s"sum":"%s",%s\n' % (body[: -len(_VERSION)], digest.encode(), _VERSION), digest


def is_whole(line: bytes) -> bool:
    """Tell whether a line (without its newline) has a sum, and that sum is right."""
    end = _END.search(line, max(0, len(line) - _LONGEST_END))
    if not end:
        return False
    body = line[: end.start() + 1] + end[2]
    return hashlib.sha256(body).hexdigest().encode() == end[1]


def decode(line: bytes) -> Record:
    """Read a line for which `is_whole` holds; raise Malformed or TooNew."""
    if not line.endswith(_VERSION):
        raise TooNew("format " + line.rpartition(b":")[2].rstrip(b"}").decode())
    found, event = reader()(line)
    seq = found.seq
    first, last = found.first or seq, found.last or seq
    return Record(seq, found.at, found.by, found.cmd, event, found.prev, found.sum, first, last)


def canonical(data: Mapping[str, object]) -> bytes:
    """Return the one spelling of a JSON object of text, whole numbers, lists and mappings."""
    written: bytes = _encoder()(data)
    # jq escapes DEL, which JSON does not ask for; outside of text it cannot occur.
    return written.replace(b"\x7f", b"\\u007f")


def rfc3339(at: datetime) -> str:
    """Return a moment in UTC with milliseconds: 2026-11-23T08:00:06.123Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _tame(words: str) -> str:
    """Make the words of a command line fit: arguments may hold bytes that are not UTF-8."""
    words = words.encode(errors="backslashreplace").decode()
    return words if len(words) <= _LONGEST_COMMAND else words[: _LONGEST_COMMAND - 1] + "…"


def _event_to_dict(event: Event | Snapshot) -> Json:
    return snapshot_to_dict(event) if isinstance(event, Snapshot) else event_to_dict(event)


@cache
def _encoder() -> Any:
    import msgspec

    return msgspec.json.Encoder(order="sorted").encode

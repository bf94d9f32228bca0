"""The JSON of a record → its fields and its event, most of it checked in C.

Rule 1: two readers, one meaning. The quick one knows all events and refuses whatever is unusual;
then the careful one decides, and says what is wrong. It alone knows snapshots.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Union

from sshfleet.journal.codec import Json, Malformed, event_from_dict, same_names, structs
from sshfleet.journal.snapshot import TYPE, Snapshot, snapshot_from_dict
from sshfleet.model.event import Event

Read = Callable[[bytes], tuple[Any, Event | Snapshot]]

_LATER = {"first": 0, "last": 0}
_KEYS = frozenset({"at", "by", "cmd", "event", "prev", "seq", "sum", "v", *_LATER})


@cache
def reader() -> Read:
    """Return what reads a line: an object with a Record's own fields, and the event.

    It raises Malformed or TooNew.
    """
    import msgspec

    events = structs()
    quick = _decoder(Union[tuple(events)])  # noqa: UP007 - made of a list
    astuple = msgspec.structs.astuple

    def read(line: bytes) -> tuple[Any, Event | Snapshot]:
        try:
            found = quick(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return careful()(line)
        return found, events[type(found.event)](*astuple(found.event))

    return read


@cache
def careful() -> Read:
    """Return what reads any line as `reader` does, in twice the time."""
    import msgspec

    decode = _decoder(Json)

    def read(line: bytes) -> tuple[Any, Event | Snapshot]:
        try:
            found = decode(line)
        except msgspec.ValidationError as problem:
            with suppress(msgspec.DecodeError):  # what is no JSON at all has no fields to name
                same_names(_LATER | msgspec.json.decode(line), _KEYS, "a record")
            raise Malformed(str(problem)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise Malformed(str(problem)) from None
        of = snapshot_from_dict if found.event.get("type") == TYPE else event_from_dict
        return found, of(found.event)

    return read


def _decoder(event: Any) -> Callable[[bytes], Any]:
    import msgspec

    moment = Annotated[datetime, msgspec.Meta(tz=True)]
    types = {"at": moment, "event": event, "seq": int, "v": int}
    known = [(name, types.get(name, str)) for name in sorted(_KEYS - _LATER.keys())]
    later = [(name, int, value) for name, value in _LATER.items()]
    struct = msgspec.defstruct("Envelope", [*known, *later], forbid_unknown_fields=True)
    return msgspec.json.Decoder(struct).decode

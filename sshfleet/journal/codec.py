"""Events as JSON objects, and back: {"type": "unit-placed", …the fields of UnitPlaced}.

Rule 1: decoding is strict. A type, a field or a target state this program does not know was
written by a newer one (`TooNew`): guessing at its meaning could stop or start the wrong thing.
Rule 2: what is encoded is checked as what is decoded: a record that could not be read again is
never written.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType
from typing import Annotated, Any, get_origin

from sshfleet.model import event as ev
from sshfleet.model.event import Event, TargetState

Json = dict[str, Any]

LARGEST = 2**53 - 1
"""The largest number that every JSON tool reads without rounding."""


class Malformed(ValueError):
    """This is not what any sshfleet writes; the text says which part."""


class TooNew(Malformed):
    """This was written by an sshfleet that knows more than this one."""


EVENT_TYPES: Mapping[str, type[Event]] = MappingProxyType(
    {
        "journal-started": ev.JournalStarted,
        "text-stored": ev.TextStored,
        "unit-submitted": ev.UnitSubmitted,
        "target-set": ev.TargetSet,
        "unit-placed": ev.UnitPlaced,
        "unit-unplaced": ev.UnitUnplaced,
        "unit-removed": ev.UnitRemoved,
        "copy-given-up": ev.CopyGivenUp,
        "copy-found": ev.CopyFound,
        "copy-guarded": ev.CopyGuarded,
        "copy-unguarded": ev.CopyUnguarded,
        "leases-promised": ev.LeasesPromised,
        "restart-asked": ev.RestartAsked,
        "machine-seen": ev.MachineSeen,
        "machine-marked": ev.MachineMarked,
        "machine-cordoned": ev.MachineCordoned,
        "machine-draining": ev.MachineDraining,
        "machine-uncordoned": ev.MachineUncordoned,
        "action-ended": ev.ActionEnded,
    }
)
"""The name each event has on disk, for ever."""


def text(value: object) -> str:
    """Check that a value is text that UTF-8 can carry."""
    if not isinstance(value, str):
        raise Malformed(f"{type(value).__name__} where text belongs")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Malformed("text that is not Unicode") from None
    return value


def number(value: object) -> int:
    """Check that a value is a whole number from 0 to LARGEST."""
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise Malformed(f"{value!r:.40} where a whole number belongs")
    return value


def texts(value: object) -> dict[str, str]:
    """Check that a value is a mapping of text to text, and copy it."""
    if not isinstance(value, Mapping):
        raise Malformed(f"{type(value).__name__} where a mapping of text belongs")
    return {text(key): text(item) for key, item in value.items()}


def names(value: object) -> tuple[str, ...]:
    """Check that a value is a list of text, and copy it."""
    if not isinstance(value, list | tuple):
        raise Malformed(f"{type(value).__name__} where a list of text belongs")
    return tuple(text(item) for item in value)


def target_state(value: object) -> TargetState:
    """Check that a value is a target state; raise TooNew for one that is not known here."""
    try:
        return TargetState(text(value))
    except ValueError as unknown:
        if isinstance(unknown, Malformed):
            raise
        raise TooNew(f"target state {value!r:.40}") from None


def same_names(found: Mapping[str, object], known: Set[str], what: str) -> None:
    """Check that an object has the fields it must have: raise Malformed, TooNew for one more."""
    if found.keys() == known:
        return
    if more := sorted(found.keys() - known):
        raise TooNew(f"field {more[0]!r:.40} of {what}")
    raise Malformed(f"{what} without {min(known - found.keys())}")


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one type of event is written: its name on disk, and a check for each field.

    `later` are fields that came to the type later, with their defaults, which are not written.
    """

    name: str
    event: type[Event]
    checks: Mapping[str, Callable[[object], Any]]
    keys: frozenset[str]
    later: Mapping[str, object]


def _check_for(annotation: Any) -> Callable[[object], Any]:
    plain = getattr(annotation, "__supertype__", annotation)  # a NewType is what it is made of
    if get_origin(plain) is tuple:
        return names
    return {str: text, int: number, TargetState: target_state}.get(plain, texts)


def _shape(name: str, event: type[Event]) -> _Shape:
    checks = {field.name: _check_for(field.type) for field in fields(event)}
    later: Json = {one.name: one.default for one in fields(event) if one.default is not MISSING}
    later |= {one.name: {} for one in fields(event) if one.default_factory is not MISSING}
    return _Shape(name, event, checks, frozenset(checks) | {"type"}, later)


_BY_NAME = {name: _shape(name, event) for name, event in EVENT_TYPES.items()}
_BY_EVENT = {shape.event: shape for shape in _BY_NAME.values()}


def event_to_dict(event: Event) -> Json:
    """Return an event as a JSON object; raise Malformed for values JSON cannot give back."""
    shape = _BY_EVENT[type(event)]
    written: Json = {name: check(getattr(event, name)) for name, check in shape.checks.items()}
    for unsaid in [name for name, default in shape.later.items() if written[name] == default]:
        del written[unsaid]
    written["type"] = shape.name
    return written


def event_from_dict(data: Mapping[str, object]) -> Event:
    """Return the event a JSON object stands for; raise Malformed or TooNew."""
    name = text(data.get("type"))
    shape = _BY_NAME.get(name)
    if shape is None:
        raise TooNew(f"event {name!r:.40}")
    if shape.later:
        data = {**shape.later, **data}
    same_names(data, shape.keys, name)
    return shape.event(**{name: check(data[name]) for name, check in shape.checks.items()})


def structs() -> Mapping[type, type[Event]]:
    """Return a type for each event that msgspec reads, and the event that its fields make.

    What such a type accepts, `event_from_dict` accepts as the same event.
    """
    import msgspec

    whole = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
    kinds: dict[Callable[[object], Any], Any] = {
        text: str,
        number: whole,
        target_state: TargetState,
        texts: dict[str, str],
        names: tuple[str, ...],
    }
    made: dict[type, type[Event]] = {}
    for name, shape in _BY_NAME.items():
        known: list[Any] = [
            (one, kinds[check], shape.later[one]) if one in shape.later else (one, kinds[check])
            for one, check in shape.checks.items()
        ]
        struct = msgspec.defstruct(
            shape.event.__name__, known, tag_field="type", tag=name, forbid_unknown_fields=True
        )
        made[struct] = shape.event
    return made

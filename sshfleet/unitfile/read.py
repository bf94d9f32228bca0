"""The bytes of a unit file and its drop-ins → Unit, or an error that says what to mend.

Rule 1: the text is kept as it came, byte for byte; `text.encode()` gives the bytes back.
Rule 2: what `read_unit` accepted once, `read_text` accepts again from the journal: both are the
same reading. Whoever makes it stricter must let old texts pass.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import Unit, UnitName
from sshfleet.unitfile.leasable import leasing
from sshfleet.unitfile.normal import fleet_hash
from sshfleet.unitfile.syntax import UnitText, parse
from sshfleet.unitfile.xfleet import requirements

MAX_BYTES = 1 << 20
"""systemd reads no longer line than this (LONG_LINE_MAX); a unit is kept below it as a whole."""


@dataclass(frozen=True, slots=True)
class Dropin:
    """The bytes of a drop-in; `place` is its name in messages. It may be empty."""

    name: str
    data: bytes
    place: str


def read_unit(name: UnitName, data: bytes, place: str, dropins: Iterable[Dropin] = ()) -> Unit:
    """Read a unit file and its drop-ins; `place` is its name in messages. Raises UnitFileError."""
    more = sorted(dropins, key=lambda dropin: dropin.name)
    _check_sizes(data, place, more)
    text = _decoded(data, place)
    parsed = parse(text, place)
    if not parsed.options:
        raise UnitFileError(
            "there is not one option in this file",
            hint="a unit needs at least a section and an option, as in [Service] and ExecStart=…",
            place=place,
        )
    texts = {one.name: _decoded(one.data, one.place) for one in more}
    parts = {one.name: parse(texts[one.name], one.place) for one in more}
    whole = parsed.followed_by(parts.values())
    return Unit(
        name=name,
        text=text,
        sha256=hashlib.sha256(data).hexdigest(),
        hash=fleet_hash(parsed, parts),
        description=_description(parsed, *parts.values()),
        requirements=requirements(whole, name),
        installs=bool(whole.of("Install")),
        dropins=texts,
        leasing=leasing(name, whole),
    )


def read_text(name: UnitName, text: str, dropins: Mapping[str, str] | None = None) -> Unit:
    """Read texts that the journal gave back; their places are the unit's name and below."""
    more = [
        Dropin(file, each.encode("utf-8", "surrogatepass"), f"{name}.d/{file}")
        for file, each in (dropins or {}).items()
    ]
    return read_unit(name, text.encode("utf-8", "surrogatepass"), name, more)


def _check_sizes(data: bytes, place: str, dropins: Sequence[Dropin]) -> None:
    if not data:
        raise UnitFileError(
            "the file is empty, which systemd takes for a masked unit",
            hint="write the unit's sections into it",
            place=place,
        )
    size = len(data)
    if size > MAX_BYTES:
        raise _too_large(f"the file has {size} bytes", place)
    for dropin in dropins:
        size += len(dropin.data)
        if size > MAX_BYTES:
            raise _too_large(f"with this drop-in the unit has {size} bytes", dropin.place)


def _too_large(what: str, place: str) -> UnitFileError:
    return UnitFileError(
        f"{what}, more than the {MAX_BYTES} a unit may have",
        hint="keep data in files of their own and name them in the unit",
        place=place,
    )


def _decoded(data: bytes, place: str) -> str:
    if b"\0" in data:
        raise UnitFileError(
            "there is a NUL byte in this line",
            hint="a unit file is plain text",
            place=f"{place}:{_line_of(data, data.index(0))}",
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnitFileError(
            f"the byte 0x{data[error.start]:02x} in this line is not UTF-8",
            hint="save the file as UTF-8",
            place=f"{place}:{_line_of(data, error.start)}",
        ) from None


def _line_of(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _description(*parts: UnitText) -> str:
    """Return the first of the unit file, as fleet did, unless a later part has one of its own."""
    named = (
        o.value for part in reversed(parts) for o in part.of("Unit") if o.name == "Description"
    )
    return next(named, "")

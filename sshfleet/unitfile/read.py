"""A unit file's bytes → Unit, or an error that says what to mend.

Rule 1: the text is kept as it came, byte for byte; `text.encode()` gives the bytes back.
Rule 2: what `read_unit` accepted once, `read_text` accepts again from the journal: both are the
same reading. Whoever makes it stricter must let old texts pass.
"""

import hashlib

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import Unit, UnitName
from sshfleet.unitfile.normal import fleet_hash
from sshfleet.unitfile.syntax import UnitText, parse
from sshfleet.unitfile.xfleet import requirements

MAX_BYTES = 1 << 20
"""systemd reads no longer line than this (LONG_LINE_MAX); a file is kept below it as a whole."""


def read_unit(name: UnitName, data: bytes, place: str) -> Unit:
    """Read a unit file; `place` is its name in messages. Raises UnitFileError."""
    _check_bytes(data, place)
    text = _decoded(data, place)
    parsed = parse(text, place)
    if not parsed.options:
        raise UnitFileError(
            "there is not one option in this file",
            hint="a unit needs at least a section and an option, as in [Service] and ExecStart=…",
            place=place,
        )
    return Unit(
        name=name,
        text=text,
        sha256=hashlib.sha256(data).hexdigest(),
        hash=fleet_hash(parsed),
        description=_description(parsed),
        requirements=requirements(parsed, name),
        installs=any(option.section == "Install" for option in parsed.options),
    )


def read_text(name: UnitName, text: str) -> Unit:
    """Read a text that the journal gave back; its place is the unit's name."""
    return read_unit(name, text.encode("utf-8", "surrogatepass"), place=name)


def _check_bytes(data: bytes, place: str) -> None:
    if not data:
        raise UnitFileError(
            "the file is empty, which systemd takes for a masked unit",
            hint="write the unit's sections into it",
            place=place,
        )
    if len(data) > MAX_BYTES:
        raise UnitFileError(
            f"the file has {len(data)} bytes, more than the {MAX_BYTES} a unit may have",
            hint="keep data in files of their own and name them in the unit",
            place=place,
        )
    if b"\0" in data:
        raise UnitFileError(
            "there is a NUL byte in this line",
            hint="a unit file is plain text",
            place=f"{place}:{_line_of(data, data.index(0))}",
        )


def _decoded(data: bytes, place: str) -> str:
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


def _description(parsed: UnitText) -> str:
    named = (o.value for o in parsed.options if (o.section, o.name) == ("Unit", "Description"))
    return next(named, "")

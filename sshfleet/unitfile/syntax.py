"""The grammar of unit files and drop-ins: text → options in order, each with its line.

Follows systemd.syntax(7) as systemd's own parser reads it: a line ends at LF, CR LF or CR; a
backslash at its very end joins it to the next line; comment lines inside such a run are left out.

Rule 1: nothing is guessed. What systemd would skip with a warning in its log is an error here.
Rule 2: the text itself is never rebuilt from this; machines get the bytes that were submitted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sshfleet.errors import UnitFileError

BLANKS = " \t\n\r"
"""What systemd strips (its WHITESPACE): less than Python's idea of blank."""

_LINE_END = re.compile("\r\n?|\n\r?")
_BYTE_ORDER_MARK = "\ufeff"
_COMMENT = ("#", ";")
# Not allowed in a section name: systemd's string_is_safe(), and brackets, which hide typos.
_UNSAFE = re.compile("[\\x00-\\x1f\\x7f\"'\\\\\\[\\]]")
_SHOWN = 60


class Header(NamedTuple):
    """A section's header; the same section may be opened several times. `place` is file:line."""

    name: str
    line: int
    place: str


class Option(NamedTuple):  # made in a quarter of the time of a frozen dataclass, for every line
    """One assignment. `value` has its continuation lines joined as systemd joins them,
    `written` keeps them as they stand in the file (fleet's hash is made from these); `place` is
    file:line.
    """

    section: str
    name: str
    value: str
    written: str
    line: int
    place: str


@dataclass(frozen=True)  # no slots: the sections are kept, for each is asked for many times
class UnitText:
    """A unit file or a drop-in as data."""

    headers: tuple[Header, ...]
    options: tuple[Option, ...]

    def of(self, section: str) -> tuple[Option, ...]:
        """Return the options of one section in the order of the file."""
        return self.sections.get(section, ())

    @cached_property
    def sections(self) -> Mapping[str, tuple[Option, ...]]:
        """Return the options by their sections, each once, in the order of the file."""
        found: dict[str, list[Option]] = {}
        for option in self.options:
            found.setdefault(option.section, []).append(option)
        return {section: tuple(options) for section, options in found.items()}

    def values(self, section: str, name: str) -> Sequence[str]:
        """Return all values of an option in the order of the file."""
        return self._values.get((section, name), ())

    @cached_property
    def _values(self) -> Mapping[tuple[str, str], Sequence[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for option in self.options:
            found.setdefault((option.section, option.name), []).append(option.value)
        return found

    def followed_by(self, others: "Iterable[UnitText]") -> "UnitText":
        """Return all of them as one text, for systemd reads drop-ins as if they were appended."""
        texts = (self, *others)
        if len(texts) == 1:
            return self
        return UnitText(
            tuple(header for text in texts for header in text.headers),
            tuple(option for text in texts for option in text.options),
        )


class _Line(NamedTuple):
    number: int
    joined: str
    written: str


def parse(text: str, place: str) -> UnitText:
    """Read a text; raise UnitFileError with file:line where systemd would not understand it.

    `place` is the name of the file for messages.
    """
    headers: list[Header] = []
    options: list[Option] = []
    for line in _logical_lines(text):
        at = f"{place}:{line.number}"
        if line.joined.startswith("["):
            headers.append(Header(_section_name(line.joined, at), line.number, at))
        elif not headers:
            raise UnitFileError(
                f"'{shown(line.joined)}' stands before the first section",
                hint="begin the file with a section such as [Unit] or [Service]",
                place=at,
            )
        else:
            options.append(_option(headers[-1].name, line, at))
    return UnitText(tuple(headers), tuple(options))


def shown(text: str) -> str:
    """Return text from a file fit for a message: short, control characters escaped."""
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)


def _logical_lines(text: str) -> Iterator[_Line]:
    numbered = enumerate(_LINE_END.split(text.removeprefix(_BYTE_ORDER_MARK)), 1)
    for number, line in numbered:
        bare = line.strip(BLANKS)
        if not bare or bare.startswith(_COMMENT):
            continue
        if _continues(line):
            yield _continued(number, line, (line for _, line in numbered))
        else:
            yield _Line(number, bare, line)


def _continued(number: int, first: str, following: Iterator[str]) -> _Line:
    """Take from `following` what backslashes join to `first`; each becomes a blank."""
    parts, written = [first[:-1]], [first]
    for line in following:
        written.append(line)
        if line.lstrip(BLANKS).startswith(_COMMENT):
            continue
        if not _continues(line):
            parts.append(line)
            break
        parts.append(line[:-1])
    else:
        written.append("")  # the end of the file ends it as a blank line does
    return _Line(number, " ".join(parts).strip(BLANKS), "\n".join(written))


def _continues(text: str) -> bool:
    """Tell whether the last backslash is not itself escaped."""
    return text.endswith("\\") and (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _section_name(header: str, at: str) -> str:
    name = header[1:-1]
    if not header.endswith("]") or header == "[":
        raise UnitFileError(
            f"the section header '{shown(header)}' does not end in ']'",
            hint="a header stands alone on its line, as in [Service]",
            place=at,
        )
    if not name or name != name.strip(BLANKS) or _UNSAFE.search(name):
        raise UnitFileError(
            f"'{shown(header)}' is not a section header",
            hint="write the bare name between the brackets, as in [Service]",
            place=at,
        )
    return name


def _option(section: str, line: _Line, at: str) -> Option:
    before, equals, written = line.written.partition("=")
    name, more_lines, _ = before.partition("\n")
    name = name.strip(BLANKS)
    if not equals or more_lines:
        raise UnitFileError(
            f"'{shown(name)}' has no '='",
            hint="an option is Name=Value; a comment begins with #; "
            "a long value goes on after a backslash at the very end of a line",
            place=at,
        )
    if not name:
        raise UnitFileError(
            f"'{shown(line.joined)}' has no name before the '='",
            hint="an option is Name=Value",
            place=at,
        )
    return Option(
        section=section,
        name=name,
        value=line.joined.partition("=")[2].strip(BLANKS),
        written=_tidy(written),
        line=line.number,
        place=at,
    )


def _tidy(written: str) -> str:
    """Strip a value so that it reads back the same when written as `Name=` and this."""
    tidy = written.strip(BLANKS)
    if written.rstrip(" \t").endswith("\n"):
        return tidy + "\n"  # a continuation that a blank line ended, as fleet keeps it
    # A blank after the last backslash keeps it from joining what follows.
    return tidy + " " if _continues(tidy) else tidy

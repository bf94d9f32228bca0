"""The values of one [X-Fleet] option: fleet's quoting and its specifiers.

Rule 1: a template's own rules are read too, but what depends on the instance (%i, %n, %N) is not
known yet. Such a value is `late`: kept as written, checked when an instance is read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import UnitName, instance_of, is_template
from sshfleet.unitfile.keys import SPELLINGS, Key
from sshfleet.unitfile.syntax import Option, shown

_PER_INSTANCE = ("%i", "%n", "%N")
_WORDS = (Key.MACHINE_OF, Key.CONFLICTS, Key.REPLACES)
_GLOBS = (Key.CONFLICTS, Key.REPLACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value with its specifiers replaced; `spelling` is the key as the file has it."""

    spelling: str
    text: str
    place: str
    late: bool

    def wrong(self, problem: str, hint: str) -> NoReturn:
        """Raise the error that this value deserves."""
        raise UnitFileError(f"{self.spelling}: {problem}", hint=hint, place=self.place)


def values_of(key: Key, options: Sequence[Option], name: UnitName) -> tuple[Value, ...]:
    """Return every value of a key, old spellings in fleet's order."""
    return tuple(
        value
        for spelling in SPELLINGS[key]
        for option in options
        if option.name == spelling
        for value in _values(key, option, name)
    )


def _values(key: Key, option: Option, name: UnitName) -> Iterator[Value]:
    written = option.value
    if not written.strip('" \t'):
        raise UnitFileError(
            f"{option.name} has no value",
            hint="remove the line; an empty value does not reset a list here",
            place=option.place,
        )
    for text in _split(key, option):
        late = is_template(name) and any(specifier in text for specifier in _PER_INSTANCE)
        yield Value(
            spelling=option.name,
            text=_expanded(text, name, in_glob=key in _GLOBS),
            place=option.place,
            late=late,
        )


def _split(key: Key, option: Option) -> list[str]:
    """Split as fleet does: quotes around all of the value separate, names part at blanks."""
    written = option.value
    if len(written) > 1 and written.startswith('"') and written.endswith('"'):
        values = _unquoted(written)
    else:
        values = [written]
    if values is None or any('"' in value or value.startswith("'") for value in values):
        raise UnitFileError(
            f"{option.name}: the quotes of '{shown(written)}' do not match up",
            hint=f'put each value between quotes of its own, as in {option.name}="…" "…"',
            place=option.place,
        )
    return [word for value in values for word in value.split()] if key in _WORDS else values


def _unquoted(written: str) -> list[str] | None:
    """Part at blanks outside quotes; None when a quote stays open. There are no escapes."""
    outside_and_inside = written.split('"')
    if len(outside_and_inside) % 2 == 0:
        return None
    # Even pieces are outside: a blank there becomes a mark that no unit file can hold.
    marked = "".join(
        re.sub("[ \t]+", "\0", piece) if index % 2 == 0 else piece
        for index, piece in enumerate(outside_and_inside)
    )
    return marked.split("\0")


def _expanded(text: str, name: UnitName, *, in_glob: bool) -> str:
    """Replace %n %N %p %i in fleet's order; other %x stay as they are."""
    if "%" not in text:
        return text
    stem = name.rpartition(".")[0]
    known = {"%n": name, "%N": stem, "%p": stem.partition("@")[0], "%i": instance_of(name)}
    for specifier, meaning in known.items():
        if specifier in _PER_INSTANCE and is_template(name):
            continue
        # In a glob a backslash would take the next character's meaning away.
        text = text.replace(specifier, meaning.replace("\\", r"\\") if in_glob else meaning)
    return text

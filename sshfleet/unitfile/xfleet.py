"""[X-Fleet] → Requirements: fleet's keys and splitting, read strictly.

Rule 1: what fleet dropped in silence (unknown keys, malformed metadata, impossible peers) is an
error with its line: the unit would otherwise run where it must not, or nowhere, without a word.
Rule 2: what fleet accepted and honoured is accepted here and means the same.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from sshfleet.errors import UnitFileError
from sshfleet.model.machine import DriftPolicy, FailoverMode, HandOver
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName, checked_name, is_template, mangled
from sshfleet.unitfile import glob
from sshfleet.unitfile.combinations import check_combinations
from sshfleet.unitfile.keys import Key, fleet_options
from sshfleet.unitfile.syntax import UnitText, shown
from sshfleet.unitfile.values import Value, values_of

_MACHINE_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}")
_OPERATOR = re.compile(r"[^=]*[!<>~]|[^=]*==[^=]*\Z")
_Word = TypeVar("_Word", bound=StrEnum)
_YES = ("true", "yes", "1", "on", "t")
_NO = ("false", "no", "0", "off", "f")


def requirements(parsed: UnitText, name: UnitName) -> Requirements:
    """Read the rules of the unit `name`; raise UnitFileError with file:line.

    In a template, values with %i, %n or %N stay as they are written and are checked when an
    instance is read.
    """
    options = fleet_options(parsed)
    if not options:
        return Requirements()
    asked = {key: values_of(key, options, name) for key in Key}
    machine_ids = [_machine_id(value) for value in asked[Key.MACHINE_ID]]
    metadata = [_metadata(value) for value in asked[Key.MACHINE_METADATA]]
    peers = [_peer(value, name) for value in asked[Key.MACHINE_OF]]
    is_global = [_boolean(value) for value in asked[Key.GLOBAL] if not value.late]
    found = Requirements(
        machine_id=machine_ids[0] if machine_ids else "",
        metadata=tuple(dict.fromkeys(metadata)),
        machine_of=tuple(dict.fromkeys(peers)),
        conflicts=_each(_glob, asked[Key.CONFLICTS]),
        replaces=_each(_glob, asked[Key.REPLACES]),
        is_global=bool(is_global) and is_global[-1],
        failover=_last_word(FailoverMode, "way to fail over", asked[Key.FAILOVER]),
        drift=_last_word(DriftPolicy, "way to treat drift", asked[Key.DRIFT]),
        hand_over=_last_word(HandOver, "way to hand over", asked[Key.HAND_OVER])
        or HandOver.STOP_FIRST,
    )
    check_combinations(asked, found)
    return found


def _each(read: Callable[[Value], str], values: tuple[Value, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(read(value) for value in values))


def _machine_id(value: Value) -> str:
    machine_id = value.text.lower()
    if value.late or _MACHINE_ID.fullmatch(machine_id):
        return value.text if value.late else machine_id
    bare = machine_id.replace("-", "")
    value.wrong(
        f"'{shown(value.text)}' is not a machine's ID",
        f"did you mean {bare}?"
        if _MACHINE_ID.fullmatch(bare)
        else "give the 32 hex digits of /etc/machine-id, or the first 8 of them",
    )


def _metadata(value: Value) -> tuple[str, str]:
    key, equals, wanted = value.text.partition("=")
    if _OPERATOR.match(value.text):
        value.wrong(
            f"'{shown(value.text)}' holds an operator; metadata can only be equal",
            f"write {value.spelling}=KEY=VALUE; several values of one key are alternatives",
        )
    if "=" in wanted:
        value.wrong(f"'{shown(value.text)}' has more than one '='", _quoted_spelling(value))
    if not equals or not key or not wanted:
        value.wrong(f"'{shown(value.text)}' is not KEY=VALUE", f"write {value.spelling}=KEY=VALUE")
    if re.search(r"\s", key) or wanted != wanted.strip():
        value.wrong(
            f"'{shown(value.text)}' has a blank that no machine's metadata has",
            _quoted_spelling(value),
        )
    return key, wanted


def _quoted_spelling(value: Value) -> str:
    """Show how several pairs are written, with the user's own words where they are pairs."""
    words = re.sub(r"\s*=\s*", "=", value.text).split()
    pairs = [word for word in words if re.fullmatch("[^=]+=[^=]+", word)]
    if len(pairs) != len(words):
        return f"write {value.spelling}=KEY=VALUE, with one '='"
    spelling = " ".join(f'"{shown(pair)}"' for pair in pairs)
    return f"write {value.spelling}={spelling}"


def _peer(value: Value, name: UnitName) -> str:
    if value.late:
        return value.text
    try:
        peer = checked_name(value.text)
    except UnitFileError as error:
        value.wrong(error.message, _name_hint(value.text))
    if peer == name:
        value.wrong(
            f"{shown(name)} cannot wait for itself", "name the unit it shall share a machine with"
        )
    if is_template(peer):
        value.wrong(
            f"{shown(peer)} is a template and never on a machine",
            "name an instance, as in " + peer.replace("@.", "@1."),
        )
    return peer


def _name_hint(text: str) -> str:
    try:
        return f"did you mean {checked_name(mangled(text))}?"
    except UnitFileError as error:
        return error.hint


def _glob(value: Value) -> str:
    # No instance name can mend a glob that is malformed around its %i.
    if problem := glob.problem(value.text):
        value.wrong(
            f"the glob '{shown(value.text)}' {problem}",
            "a glob is like web@*.service, web@?.service or web@[a-c].service",
        )
    return value.text


def _boolean(value: Value) -> bool:
    word = value.text.lower()
    if word not in _YES and word not in _NO:
        value.wrong(f"'{shown(value.text)}' is neither true nor false", "write true or false")
    return word in _YES


def _last_word(words: type[_Word], what: str, values: tuple[Value, ...]) -> _Word | None:
    """Read one of some words; the last one counts, None when there is none (yet)."""
    found = None
    for value in values:
        if value.late:
            continue
        if value.text not in tuple(words):
            value.wrong(f"'{shown(value.text)}' is no {what}", "write one of " + ", ".join(words))
        found = words(value.text)
    return found

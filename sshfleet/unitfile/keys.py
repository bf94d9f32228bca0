"""The words of the [X-Fleet] section: its keys, their old spellings, and what a typo was meant for.

Rule 1: a word we do not know is an error, never skipped: a rule nobody reads would leave the unit
free to run anywhere.
"""

import re
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache

from sshfleet.errors import UnitFileError
from sshfleet.unitfile.syntax import Header, Option, UnitText, shown

SECTION = "X-Fleet"


class Key(StrEnum):
    """What can be asked for; docs/unit-files.md tells what each means."""

    MACHINE_ID = "MachineID"
    MACHINE_METADATA = "MachineMetadata"
    MACHINE_OF = "MachineOf"
    CONFLICTS = "Conflicts"
    REPLACES = "Replaces"
    GLOBAL = "Global"
    FAILOVER = "Failover"
    DRIFT = "Drift"
    HAND_OVER = "HandOver"


# In the order in which fleet reads them: the first MachineID wins, lists are appended.
SPELLINGS: dict[Key, tuple[str, ...]] = {
    Key.MACHINE_ID: ("MachineID", "X-ConditionMachineID", "X-ConditionMachineBootID"),
    Key.MACHINE_METADATA: ("X-ConditionMachineMetadata", "MachineMetadata"),
    Key.MACHINE_OF: ("X-ConditionMachineOf", "MachineOf"),
    Key.CONFLICTS: ("X-Conflicts", "Conflicts"),
    Key.REPLACES: ("Replaces",),
    Key.GLOBAL: ("Global",),
    Key.FAILOVER: ("Failover",),
    Key.DRIFT: ("Drift",),
    Key.HAND_OVER: ("HandOver",),
}
_KNOWN = frozenset(word for words in SPELLINGS.values() for word in words)


def fleet_options(parsed: UnitText) -> tuple[Option, ...]:
    """Return the options of [X-Fleet]; raise UnitFileError for a word that is none of ours."""
    for header in parsed.headers:
        _check_header(header)
    options = parsed.of(SECTION)
    for option in options:
        _check_key(option)
    return options


def _check_header(header: Header) -> None:
    if header.name != SECTION and _resembles_ours(header.name):
        raise UnitFileError(
            f"nobody reads a section [{shown(header.name)}]",
            hint=f"did you mean [{SECTION}]?",
            place=header.place,
        )


@lru_cache(maxsize=256)
def _resembles_ours(section: str) -> bool:
    letters = re.sub("[^a-z]", "", section.lower())
    return bool(get_close_matches(letters, ["xfleet"], cutoff=0.8))


def _check_key(option: Option) -> None:
    if option.name in _KNOWN:
        return
    raise UnitFileError(
        f"'{shown(option.name)}' is no key of [{SECTION}]",
        hint=_meant(option.name),
        place=option.place,
    )


def _meant(word: str) -> str:
    """Guess the key: case does not count, nor do the prefixes of fleet's old spellings."""
    bare = re.sub("^x-?(condition)?", "", word.lower())
    lower = {key.lower(): key for key in Key}
    close = get_close_matches(bare, list(lower), n=1)
    if close:
        return f"did you mean {lower[close[0]]}?"
    return "the keys are " + ", ".join(Key)

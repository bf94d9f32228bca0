"""What a single value of the inventory must look like; pure functions from text to value.

Each takes the text as written and returns the value for the model, or raises Refused.
Values that end up in an SSH connection are in hosts.py.
"""

import re
from enum import StrEnum
from typing import TypeVar

from sshfleet.inventory.problems import Refused, quoted
from sshfleet.model.machine import Become, DriftPolicy, FailoverMode

Words = TypeVar("Words", bound=StrEnum)

MACHINE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
FLEET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
MACHINE_ID = re.compile(r"[0-9A-Fa-f]{32}")
DURATION = re.compile(r"(0|[1-9][0-9]{0,8})([smh]?)")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
LONGEST = 30 * 86400.0
SHORTEST_LEASE, LONGEST_LEASE = 5.0, 86400.0  # no machine takes one that is much longer
SHORTEST_SILENCE = 1.0


def machine_name(text: str) -> str:
    """Check the name admins give a machine."""
    if MACHINE_NAME.fullmatch(text):
        return text
    hint = "letters, digits, dot, dash and underscore; 63 at most; a letter or digit first"
    raise Refused(f"{quoted(text)} is not a machine name", hint)


def fleet_name(text: str) -> str:
    """Check the fleet's name; it names the folder of the journal."""
    if FLEET_NAME.fullmatch(text):
        return text
    hint = "lower-case letters, digits, dot, dash and underscore; 41 at most; no dot or dash first"
    raise Refused(f"{quoted(text)} is not a fleet name", hint)


def become(text: str) -> Become:
    """Read how the login user becomes root."""
    return _one_of(Become, text, "become")


def failover_mode(text: str) -> FailoverMode:
    """Read what happens to the units of a lost machine."""
    return _one_of(FailoverMode, text, "mode")


def drift(text: str) -> DriftPolicy:
    """Read what happens to what somebody changed on a machine."""
    return _one_of(DriftPolicy, text, "drift")


def _one_of(words: type[Words], text: str, key: str) -> Words:
    try:
        return words(text)
    except ValueError:
        hint = f"say one of: {', '.join(words)}"
        raise Refused(f"{quoted(text)} is not a value of {key}", hint) from None


def command_word(text: str) -> str:
    """Check a word of a command; it is given to the program as it is, no shell reads it."""
    if not text.isprintable():
        raise Refused(
            f"{quoted(text)} is not plain text", "no line ends, tabs or control characters"
        )
    return text


def machine_id(text: str) -> str:
    """Check a machine-id(5); returned in lower case, as machines tell it."""
    if MACHINE_ID.fullmatch(text):
        return text.lower()
    hint = "32 hex digits: `cat /etc/machine-id` on the machine"
    raise Refused(f"{quoted(text)} is not a machine ID", hint)


def lease(text: str) -> float:
    """Read how long a machine keeps leased units unheard, in seconds."""
    return duration(text, SHORTEST_LEASE, LONGEST_LEASE)


def lost_after(text: str) -> float:
    """Read how long a machine is silent before it counts as lost, in seconds."""
    return duration(text, SHORTEST_SILENCE)


def duration(text: str, shortest: float, longest: float = LONGEST) -> float:
    """Read `90`, `90s`, `2m` or `1h` as seconds, from `shortest` to `longest`."""
    match = DURATION.fullmatch(text)
    if not match:
        raise Refused(f"{quoted(text)} is not a duration", "write it like 90s, 2m or 1h")
    seconds = float(int(match[1]) * SECONDS[match[2]])
    if seconds < shortest:
        raise Refused(f"{quoted(text)} is too short", f"at least {shortest:g}s")
    if seconds > longest:
        raise Refused(f"{quoted(text)} is too long", f"at most {longest / 3600:g}h")
    return seconds


def metadata_part(text: str) -> str:
    """Check a metadata key or value: what `MachineMetadata=key=value` of a unit can ask for."""
    if not text:
        raise Refused("empty metadata matches no unit", "give it a text, or remove the line")
    if "=" in text:
        hint = "MachineMetadata=key=value has one `=`: use another character"
        raise Refused(f"metadata {quoted(text)} has a `=`, so it matches no unit", hint)
    if not text.isprintable():
        hint = "no line ends, tabs or control characters"
        raise Refused(f"metadata {quoted(text)} is not plain text", hint)
    return text

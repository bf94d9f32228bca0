"""The keys of an inventory, and how a section is read by its table of keys.

Rule 1: SECTIONS and SETTINGS are the one list of keys; inventory.example.yaml and
docs/inventory.md are compared with it by tests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sshfleet.inventory import hosts, values
from sshfleet.inventory.document import List, Node, Scalar, Table
from sshfleet.inventory.problems import Problems, Refused, quoted


class Found(NamedTuple):
    """A checked value and the node whose place to blame."""

    value: Any
    node: Node


Section = dict[str, Found]
"""What a section says, by key; keys whose value was refused are absent."""

Check = Callable[[str, Node, Problems], Any]
"""Reads the value of a key (name, node, problems); None when a problem was noted."""


def single(check: Callable[[str], Any]) -> Check:
    """Make a reader of one text from a check that may raise Refused."""

    def read(key: str, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar):
            hint = f"write `{key}: value`"
            problems.note(node.at, f"{key} must be one value, not {kind(node)}", hint)
        elif node.is_null or not node.text:
            hint = "give it a value, or remove the line; quote it if you mean this text"
            problems.note(node.at, f"{key} is empty", hint)
        else:
            return checked(check, node, problems)
        return None

    return read


metadata_value = single(values.metadata_part)


def metadata(key: str, node: Node, problems: Problems) -> dict[str, str]:
    """Read a mapping of text to text."""
    said = {}
    for name, value in entries_of(key, node, problems):
        if checked(values.metadata_part, name, problems) is not None:
            said[name.text] = metadata_value("a metadata value", value, problems)
    return said


command_word = single(values.command_word)


def command(key: str, node: Node, problems: Problems) -> tuple[str, ...] | None:
    """Read a list of words, the program first."""
    if not isinstance(node, List) or not node.items:
        what = "an empty list" if isinstance(node, List) else kind(node)
        hint = f"write `{key}: [program, word, ...]`; no shell reads it"
        problems.note(node.at, f"{key} must be a list of words, not {what}", hint)
        return None
    words = [command_word(f"a word of {key}", item, problems) for item in node.items]
    return None if None in words else tuple(words)


MACHINE_KEYS: Mapping[str, Check] = {
    "address": single(hosts.address),
    "user": single(hosts.user),
    "port": single(hosts.port),
    "become": single(values.become),
    "metadata": metadata,
    "host_key": single(hosts.host_key),
    "proxy_jump": single(hosts.proxy_jump),
    "machine_id": single(values.machine_id),
    "fence_command": command,
}
FLEET_KEYS: Mapping[str, Check] = {"name": single(values.fleet_name)}
FAILOVER_KEYS: Mapping[str, Check] = {
    "mode": single(values.failover_mode),
    "lease": single(values.lease),
    "lost_after": single(values.lost_after),
}
SECTIONS: Mapping[str, Mapping[str, Check]] = {
    "fleet": FLEET_KEYS,
    "defaults": MACHINE_KEYS,
    "machines": MACHINE_KEYS,  # one level down, under each machine's name
    "failover": FAILOVER_KEYS,
}
SETTINGS: Mapping[str, Check] = {"drift": single(values.drift)}
"""What is one value at the top level, beside the sections."""


def read_section(
    what: str, node: Node | None, keys: Mapping[str, Check], problems: Problems
) -> Section:
    """Read a mapping by its table of keys; an absent or empty one says nothing."""
    found: Section = {}
    for key, value in known_entries(what, node, keys, problems):
        result = keys[key.text](key.text, value, problems)
        if result is not None:
            found[key.text] = Found(result, value)
    return found


def known_entries(
    what: str, node: Node | None, keys: Iterable[str], problems: Problems
) -> Iterator[tuple[Scalar, Node]]:
    """Yield the entries of a mapping whose keys are known; the others are problems."""
    for key, value in entries_of(what, node, problems):
        if key.text in keys:
            yield key, value
        else:
            hint = unknown_key_hint(key.text, keys)
            problems.note(key.at, f"unknown key {quoted(key.text)} in {what}", hint)


def entries_of(what: str, node: Node | None, problems: Problems) -> list[tuple[Scalar, Node]]:
    """Return the entries of a mapping; none when it is absent, empty or something else."""
    if isinstance(node, Table):
        return list(node.entries.values())
    if node is not None and not (isinstance(node, Scalar) and node.is_null):
        hint = "write `key: value` lines, indented by two blanks"
        problems.note(node.at, f"{what} must be a mapping, not {kind(node)}", hint)
    return []


def unknown_key_hint(key: str, keys: Iterable[str]) -> str:
    """Suggest what was meant, and list what is possible."""
    import difflib

    close = difflib.get_close_matches(key, list(keys), n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"{guess}Valid keys: {', '.join(keys)}"


def checked(check: Callable[[str], Any], node: Scalar, problems: Problems) -> Any:
    """Return the checked value of a text, or note why not and return None."""
    try:
        return check(node.text)
    except Refused as refusal:
        problems.note(node.at, refusal.message, refusal.hint)
        return None


def kind(node: Node) -> str:
    """Name what stands there instead."""
    if isinstance(node, List):
        return "a list"
    return "a mapping" if isinstance(node, Table) else "one value"

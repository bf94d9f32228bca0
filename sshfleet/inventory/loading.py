"""From a file to a `Fleet`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshfleet.inventory import hosts, schema, values
from sshfleet.inventory.document import Node, Scalar, parse
from sshfleet.inventory.finding import HOW_TO_GET_ONE
from sshfleet.inventory.problems import Problems, Refused, quoted
from sshfleet.inventory.schema import Section
from sshfleet.inventory.source import read_text
from sshfleet.model.machine import FailoverPolicy, Fleet, Machine, MachineName

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Entry:
    """A machine as it stands in the file; `said` includes the defaults, placed at its name."""

    name: Scalar
    said: Section

    def get(self, key: str, otherwise: Any) -> Any:
        """Return what is said for a key."""
        found = self.said.get(key)
        return found.value if found else otherwise


def load_inventory(path: Path) -> Fleet:
    """Read an inventory whole; raises InventoryError for the first of all its problems."""
    problems = Problems(path)
    root = parse(read_text(path, problems), problems)
    tops = (*schema.SECTIONS, *schema.SETTINGS)
    nodes = {
        key.text: value
        for key, value in schema.known_entries("the inventory", root, tops, problems)
    }
    fleet = read("fleet", nodes, problems)
    defaults = read("defaults", nodes, problems)
    failover = read("failover", nodes, problems)
    settings = read_settings(nodes, problems)
    entries = list(machine_entries(nodes.get("machines"), defaults, problems))
    if not entries and not problems:
        problems.note(root.at, "the inventory has no machines", HOW_TO_GET_ONE)
    find_twins(entries, problems)
    problems.raise_first()
    return Fleet(
        name=fleet["name"].value if "name" in fleet else "default",
        machines=tuple(machine(entry) for entry in entries),
        failover=FailoverPolicy(**{key: found.value for key, found in failover.items()}),
        **settings,
    )


def read(name: str, nodes: dict[str, Node], problems: Problems) -> Section:
    """Read a section of the top level."""
    return schema.read_section(name, nodes.get(name), schema.SECTIONS[name], problems)


def read_settings(nodes: dict[str, Node], problems: Problems) -> dict[str, Any]:
    """Read what stands at the top level as one value."""
    read = {
        name: check(name, nodes[name], problems)
        for name, check in schema.SETTINGS.items()
        if name in nodes
    }
    return {name: value for name, value in read.items() if value is not None}


def machine_entries(node: Node | None, defaults: Section, problems: Problems) -> Iterator[Entry]:
    """Yield every machine whose name can be used."""
    for name, value in schema.entries_of("machines", node, problems):
        what = f"machine {quoted(name.text)}"
        said = schema.read_section(what, value, schema.MACHINE_KEYS, problems)
        if schema.checked(values.machine_name, name, problems) is None:
            continue
        entry = Entry(name, with_defaults(name, defaults, said))
        check_name_as_address(entry, problems)
        yield entry


def with_defaults(name: Scalar, defaults: Section, said: Section) -> Section:
    """Add the defaults to what a machine says; in metadata the machine's own values win."""
    merged = {key: found._replace(node=name) for key, found in defaults.items()} | said
    if "metadata" in defaults and "metadata" in said:
        both = defaults["metadata"].value | said["metadata"].value
        merged["metadata"] = said["metadata"]._replace(value=both)
    return merged


def check_name_as_address(entry: Entry, problems: Problems) -> None:
    """Refuse a machine without an address whose name cannot stand in for it."""
    if "address" in entry.said:
        return
    try:
        hosts.address(entry.name.text)
    except Refused:
        message = f"machine {quoted(entry.name.text)} has no address, and its name is not one"
        problems.note(entry.name.at, message, "add `address: HOST`")


def find_twins(entries: list[Entry], problems: Problems) -> None:
    """Refuse two names for one machine: they would be managed against each other."""
    note_twins(entries, endpoint, "address", problems)
    note_twins(entries, lambda entry: entry.get("machine_id", None), "machine_id", problems)


def endpoint(entry: Entry) -> tuple[str, int]:
    """Return what a machine has alone: its address and port (22 where only ssh_config knows)."""
    address = entry.get("address", entry.name.text)
    return hosts.same_address(address), entry.get("port", SSH_PORT)


def note_twins(
    entries: list[Entry], key_of: Callable[[Entry], Any], what: str, problems: Problems
) -> None:
    """Note every later machine that shares a key with an earlier one."""
    first: dict[Any, Entry] = {}
    for entry in entries:
        key = key_of(entry)
        twin = first.setdefault(key, entry)
        if twin is entry or key is None:
            continue
        message = f"{entry.name.text} has the {what} of {twin.name.text}, line {twin.name.at.line}"
        node = entry.said[what].node if what in entry.said else entry.name
        problems.note(node.at, message, "one machine has one name: remove one of them")


def machine(entry: Entry) -> Machine:
    """Make the model's machine; called only when nothing is wrong."""
    fields = {key: found.value for key, found in entry.said.items()}
    name = MachineName(entry.name.text)
    return Machine(**{"name": name, "address": entry.name.text, **fields})

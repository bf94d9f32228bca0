"""The JSON that the lists print, as docs/json.md promises it: no field more, none less.

A changed field makes tests fail that decode with these. A field, once released, stays.
"""

from typing import Literal

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """An object that has exactly these fields: none has a default."""


Status = Literal[
    "ready", "cordoned", "draining", "unreachable", "unauthorized", "hostkey", "duplicate-id"
]
Target = Literal["inactive", "loaded", "launched"]


class MachineRow(Strict):
    """An item of list-machines."""

    machine: str | None
    ip: str
    name: str
    metadata: dict[str, str]
    status: Status
    cordoned: bool
    os: str | None
    arch: str | None
    systemd: int | None
    cpus: int | None
    memory: int | None
    units: int | None
    seen: str | None


class UnitRow(Strict):
    """An item of list-units."""

    unit: str
    machine: str
    ip: str | None
    name: str | None
    load: str
    active: str
    sub: str
    hash: str | None
    old_text: bool
    seen: str | None


class UnitFileRow(Strict, rename={"is_global": "global"}):
    """An item of list-unit-files."""

    unit: str
    hash: str
    dstate: Target
    state: Target | None
    target: str | None
    tmachine: str | None
    name: str | None
    is_global: bool
    desc: str | None


class MachineList(Strict):
    """`list-machines -o json`."""

    version: Literal[1]
    machines: list[MachineRow]


class UnitList(Strict):
    """`list-units -o json`."""

    version: Literal[1]
    units: list[UnitRow]


class UnitFileList(Strict):
    """`list-unit-files -o json`."""

    version: Literal[1]
    unit_files: list[UnitFileRow]


LISTS: dict[str, type[MachineList | UnitList | UnitFileList]] = {
    "list-machines": MachineList,
    "list-units": UnitList,
    "list-unit-files": UnitFileList,
}
ROWS: dict[str, type[MachineRow | UnitRow | UnitFileRow]] = {
    "list-machines": MachineRow,
    "list-units": UnitRow,
    "list-unit-files": UnitFileRow,
}
KEYS = {"list-machines": "machines", "list-units": "units", "list-unit-files": "unit_files"}


def document(verb: str, text: str) -> MachineList | UnitList | UnitFileList:
    """Decode what `-o json` printed; raise msgspec.ValidationError when it is anything else."""
    return msgspec.json.decode(text, type=LISTS[verb])


def line(verb: str, text: str) -> MachineRow | UnitRow | UnitFileRow:
    """Decode a line of `-o jsonl`: an item with the version in front."""
    item = msgspec.json.decode(text, type=dict[str, object])
    assert item.pop("version") == 1
    return msgspec.convert(item, type=ROWS[verb])

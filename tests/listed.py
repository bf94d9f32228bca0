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
TroubleWord = Literal[
    "silent",
    "hung",
    "no-sshd",
    "throttled",
    "untrusted",
    "auth",
    "unmanageable",
    "controller-fault",
    "owned",
]
Target = Literal["inactive", "loaded", "launched"]
Result = Literal["done", "failed", "unknown"]


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
    trouble: TroubleWord | None
    since: str | None
    detail: str | None


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
    drift: str | None
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


class HistoryRow(Strict, rename={"before": "from", "after": "to"}):
    """An item of history."""

    at: str
    by: str
    command: str
    kind: str
    unit: str | None
    machine: str | None
    name: str | None
    before: str | None
    after: str | None
    reason: str | None
    result: Result | None
    ms: int | None


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


class HistoryList(Strict):
    """`history -o json`."""

    version: Literal[1]
    history: list[HistoryRow]


AnyList = MachineList | UnitList | UnitFileList | HistoryList
AnyRow = MachineRow | UnitRow | UnitFileRow | HistoryRow

LISTS: dict[str, type[AnyList]] = {
    "list-machines": MachineList,
    "list-units": UnitList,
    "list-unit-files": UnitFileList,
    "history": HistoryList,
}
ROWS: dict[str, type[AnyRow]] = {
    "list-machines": MachineRow,
    "list-units": UnitRow,
    "list-unit-files": UnitFileRow,
    "history": HistoryRow,
}
KEYS = {
    "list-machines": "machines",
    "list-units": "units",
    "list-unit-files": "unit_files",
    "history": "history",
}


def document(verb: str, text: str) -> AnyList:
    """Decode what `-o json` printed; raise msgspec.ValidationError when it is anything else."""
    return msgspec.json.decode(text, type=LISTS[verb])


def line(verb: str, text: str) -> AnyRow:
    """Decode a line of `-o jsonl`: an item with the version in front."""
    item = msgspec.json.decode(text, type=dict[str, object])
    assert item.pop("version") == 1
    return msgspec.convert(item, type=ROWS[verb])

"""The lists as JSON; docs/json.md describes every field.

Rule 1: a field, once released, keeps its name and meaning; new ones may come with the same version.
Rule 2: every object has all its fields; what is not known is null.
"""

import json
from collections.abc import Callable, Iterable, Mapping

VERSION = 1


def _number(cell: str) -> int | None:
    return int(cell) if cell.isdecimal() else None


def _pairs(cell: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in cell.split(",") if pair)
    return {key: value for key, _, value in pairs}


def _ids(cell: str) -> str | None:
    """Leave the addresses out of the names of machines."""
    return ",".join(part.partition("/")[0] for part in cell.split(",")) or None


def _flag(cell: str) -> bool:
    return cell in ("true", "yes")


def _text(cell: str) -> str | None:
    return cell or None


Read = Callable[[str], object]

LISTS: dict[str, dict[str, Read]] = {
    "machines": {
        "machine": _text, "ip": _text, "name": _text, "metadata": _pairs, "status": _text,
        "cordoned": _flag, "os": _text, "arch": _text, "systemd": _number, "cpus": _number,
        "memory": _number, "units": _number, "seen": _text, "trouble": _text, "since": _text,
        "detail": _text,
    },
    "units": {
        "unit": _text, "machine": _ids, "ip": _text, "name": _text, "load": _text,
        "active": _text, "sub": _text, "hash": _text, "old_text": _flag, "drift": _text,
        "seen": _text,
    },
    "unit_files": {
        "unit": _text, "hash": _text, "dstate": _text, "state": _text, "target": _ids,
        "tmachine": _ids, "name": _text, "global": _flag, "desc": _text,
    },
    "history": {
        "at": _text, "by": _text, "command": _text, "kind": _text, "unit": _text,
        "machine": _text, "name": _text, "from": _text, "to": _text, "reason": _text,
        "result": _text, "ms": _number,
    },
}  # fmt: skip


def listing(name: str, rows: Iterable[Mapping[str, str]], *, lines: bool = False) -> str:
    """Write rows as one document, or each as a line of its own, which then has the version."""
    fields = LISTS[name]
    found = [{key: read(row.get(key, "")) for key, read in fields.items()} for row in rows]
    if lines:
        return "".join(json.dumps({"version": VERSION, **one}) + "\n" for one in found)
    return json.dumps({"version": VERSION, name: found}, indent=2) + "\n"

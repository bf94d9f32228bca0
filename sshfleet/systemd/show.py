"""Blocks of `systemctl show` and what else the script tells of units → UnitState.

Rule 1: properties come in any order, and those an older systemd does not know are missing.
Rule 2: blocks answer the names in their order; `Id` is another name where a name is an alias, so it
only helps when a block is missing.
Rule 3: of a unit that simply runs, `systemctl list-units` tells enough; it has no block of its own.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from sshfleet.errors import UnitFileError
from sshfleet.model.observed import Record, UnitState
from sshfleet.model.unit import UnitName, checked_name, dropin_problem
from sshfleet.systemd.sh.watchman import DROPIN_NAME, DROPINS, GUARD_VERSION, lease_dropin

Block = Mapping[str, str]

# systemd takes a service of these types for active before it has done anything.
_QUICK = ("simple", "exec", "idle")
_VALUE = 500  # characters
_DIGITS = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_PLAIN = re.compile(r"[0-9A-Za-z-]{0,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Told(NamedTuple):
    """A `unit` line: the name, whether it starts at boot (yes, no), and its record, raw or `-`.

    `place` is said of a unit that goes with the next reboot: run, or leased with a lease's mark.
    """

    name: str
    boot: str
    record: str
    place: str = ""


class Brief(NamedTuple):
    """A `brief` line: a unit that is loaded and active, has no job, and runs from our file."""

    name: str
    sub: str
    invocation: str
    fragment: str


def blocks(text: str) -> list[Block]:
    """Split the output of `systemctl show` into the properties of each unit."""
    found: list[Block] = []
    for block in re.split(r"\n{2,}", text.strip("\n")):
        pairs = (line.partition("=") for line in block.split("\n") if "=" in line)
        if properties := {key: value[:_VALUE] for key, _, value in pairs}:
            found.append(properties)
    return found


def running(brief: Iterable[Brief], before: Iterable[Block]) -> dict[str, Block]:
    """Make the blocks of units that simply run; what `before` says of the same run still holds."""
    known = {block.get("Id", ""): block for block in before}
    found: dict[str, Block] = {}
    for name, sub, invocation, fragment in brief:
        block = known.get(name, {})
        found[name] = {
            **(block if block.get("InvocationID") == invocation else {}),
            "Id": name,
            "LoadState": "loaded",
            "ActiveState": "active",
            "SubState": sub[:_VALUE],
            "InvocationID": invocation[:_VALUE],
            "FragmentPath": fragment[:_VALUE],
            "Job": "",
        }
    return found


def by_name(
    told: Iterable[Told], running: Mapping[str, Block], shown: Sequence[Block]
) -> dict[str, Block]:
    """Give each unit its block. ValueError when one has none."""
    names = [each.name for each in told if each.name not in running]
    if len(names) == len(shown):
        return {**running, **dict(zip(names, shown, strict=True))}
    by_id = {block.get("Id", ""): block for block in shown}
    if missing := [name for name in names if name not in by_id]:
        raise ValueError(f"systemd says nothing about {', '.join(missing[:3])}")
    return {**running, **by_id}


def sums_by_path(sums: str) -> dict[str, str]:
    r"""Read what `sha256sum` says of files.

    A line is sum, two spaces, path; where that has a \, it is doubled, and one begins the line.
    """
    found: dict[str, str] = {}
    for line in sums.split("\n"):
        sum, _, path = line.removeprefix("\\").partition("  ")
        if line.startswith("\\"):
            path = path.replace("\\\\", "\\")
        if _SHA256.fullmatch(sum):
            found[path] = sum
    return found


def hashes(sums: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Sort sums by units: that of its own file is named nothing, those of drop-ins by file name."""
    found: dict[str, dict[str, str]] = {}
    for path, sum in sums.items():
        folder, _, name = path.rpartition("/")
        owner = folder.rpartition("/")[2].removesuffix(".d") if folder.endswith(".d") else ""
        if not (owner and dropin_problem(name)):
            found.setdefault(owner or name, {})[name if owner else ""] = sum
    return found


def unit_states(
    told: Iterable[Told],
    sums: Mapping[str, str],
    blocks: Mapping[str, Block],
    before: Iterable[Block],
    guard: str = "",
) -> dict[UnitName, UnitState]:
    """Put together what was told of each unit; `before` are those watched, at the settle's start.

    `sums` are by path, `guard` is the version at work there. ValueError when a name or number is
    none.
    """
    files = hashes(sums)
    settling = {block.get("Id", ""): block for block in before}
    states = {}
    for name, boot, line, place in told:
        block = blocks[name]
        record = record_in(line)
        watched = settling.get(block.get("Id", ""))
        dropins = dict(files.get(name, {}))
        marked = place == "leased" and guard == GUARD_VERSION
        states[unit_name(name)] = UnitState(
            name=unit_name(name),
            load=block["LoadState"],
            active=block["ActiveState"],
            sub=block["SubState"],
            result=block.get("Result", ""),
            kind=block.get("Type", ""),
            invocation=block.get("InvocationID", ""),
            restarts=number(block.get("NRestarts") or "0"),
            status=number(block.get("ExecMainStatus") or "0"),
            job=block.get("Job", ""),
            fragment=block.get("FragmentPath", ""),
            file_state=block.get("UnitFileState", ""),
            sha256=dropins.pop("", ""),
            dropins=dropins,
            record=record,
            boot=boot == "yes",
            runtime=place in ("run", "leased"),
            guarded=marked and _has_lease_dropin(name, record, sums),
            settled=None if watched is None else _has_settled(watched, block),
        )
    return states


def _has_lease_dropin(name: str, record: Record | None, sums: Mapping[str, str]) -> bool:
    """Tell whether the drop-in of its lease is what its record asks for."""
    if record is None or not record.guard:
        return False
    text = lease_dropin(record.generation, record.guard)
    there = sums.get(f"{DROPINS}/{name}.d/{DROPIN_NAME}")
    return there == sha256(text.encode()).hexdigest()


def unit_name(name: str) -> UnitName:
    """Return the name. ValueError when it is none."""
    try:
        return checked_name(name)
    except UnitFileError as error:
        raise ValueError(error.message) from error


def number(text: str) -> int:
    """Read a number. ValueError when it is none, or absurdly long."""
    if not _DIGITS.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is not a number")
    return int(text)


def decimal(text: str) -> float:
    """Read a number such as 12.34. ValueError when it is none."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is not a number")
    return float(text)


def record_in(line: str) -> Record | None:
    """Read the record beside a unit file; None when there is none that can be read."""
    try:
        fields = json.loads(line)
        record = Record(**fields)
    except (ValueError, TypeError, RecursionError):
        return None
    texts: Iterable[object] = (
        record.lineage,
        record.sha256,
        record.target,
        record.was,
        record.guard,
    )
    if not all(isinstance(text, str) and _PLAIN.fullmatch(text) for text in texts):
        return None
    return record if type(record.generation) is int and record.generation >= 0 else None


def _has_settled(before: Block, after: Block) -> bool:
    if after["ActiveState"] != "active":
        return False
    if before.get("Type") not in _QUICK:
        return True
    same = ("ActiveState", "InvocationID", "NRestarts")
    return all(before.get(key) == after.get(key) for key in same)

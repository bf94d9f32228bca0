"""The documents of `-o json`, strictly: a field that comes or goes fails here.

docs/json.md has the same fields; tests/test_json.py compares.
"""

from typing import Any, Literal

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """No field more, no field less: none has a default."""


class Change(Strict):
    kind: str
    unit: str | None
    machine: str | None
    machine_id: str | None
    reason: str


class Difference(Strict):
    unit: str
    machine: str | None
    file: str
    also: list[str]
    diff: list[str]


class Unplaceable(Strict):
    unit: str
    reasons: dict[str, list[str]]


class Item(Strict):
    unit: str
    machine: str
    why: str


class Remaining(Strict):
    unit: str
    machine: str
    reasons: dict[str, list[str]]


class Refused(Strict):
    unit: str
    error: str


class PlanDocument(Strict):
    version: int
    changes: list[Change]
    differences: list[Difference]
    unplaceable: list[Unplaceable]
    remaining: list[Remaining]
    problems: list[Item]
    waiting: list[Item]
    away: list[Item]
    notices: list[Item]
    refused: list[Refused]
    summary: dict[str, int]


class Done(Strict):
    unit: str
    machine: str
    machine_id: str
    verb: str
    reason: str
    result: str
    detail: str | None


class RunDocument(Strict):
    version: int
    actions: list[Done]
    unplaceable: list[Unplaceable]
    remaining: list[Remaining]
    problems: list[Item]
    waiting: list[Item]
    away: list[Item]
    timed_out: bool


class Fate(Strict, rename={"is_global": "global"}):
    unit: str
    ok: bool
    state: Literal["inactive", "loaded", "launched", "absent"]
    is_global: bool
    machines: list[str]


class VerbDocument(RunDocument):
    units: list[Fate]
    refused: list[Refused]


class Placed(Strict):
    machine: str
    machine_id: str
    at: str | None
    reason: str | None


class Step(Strict):
    machine: str
    machine_id: str
    reason: str


class Judged(Strict):
    machine: str
    machine_id: str | None
    units: int
    here: bool
    qualifies: bool
    rules: dict[str, list[str]]


class Miss(Strict):
    without: list[str]
    machines: list[str]


class ExplainDocument(Strict, rename={"is_global": "global"}):
    version: int
    unit: str
    is_global: bool
    runs_somewhere: bool
    rules: list[str]
    beside: list[str]
    placed: list[Placed]
    comes: list[Step]
    leaves: list[Step]
    pushes_off: list[str]
    machines: list[Judged]
    misses: list[Miss]


class Remark(Strict):
    level: Literal["error", "warning", "note"]
    place: str | None
    message: str
    hint: str | None


class VerifiedFile(Strict):
    file: str
    unit: str | None
    ok: bool
    remarks: list[Remark]


class VerifyDocument(Strict):
    version: int
    on: str | None
    files: list[VerifiedFile]


class Left(Strict):
    unit: str
    state: Literal["inactive", "loaded", "launched", "absent"]


class RepairDocument(Strict):
    version: int
    journal: str
    sound: bool
    records: int
    line: int | None
    problem: str | None
    lost_lines: int
    lost_bytes: int
    repaired: bool
    kept: str | None
    left: list[Left]


class Taken(Strict):
    machine: str
    by: str | None
    at: str | None
    journal: str | None
    lineage: str | None


class AdoptedUnit(Strict):
    unit: str
    target: Literal["inactive", "loaded", "launched"]
    machines: list[str]
    left: list[str]
    error: str | None


class Missed(Strict):
    machine: str
    why: str


class Finding(Strict):
    about: str
    level: Literal["ok", "note", "problem"]
    what: str
    mend: str | None


class DoctorDocument(Strict):
    version: int
    well: bool
    problems: int
    findings: list[Finding]


class AdoptDocument(Strict):
    version: int
    written: bool
    taken: list[Taken]
    adopted: list[AdoptedUnit]
    missed: list[Missed]


DOCUMENTS: dict[str, type[Strict]] = {
    "plan": PlanDocument,
    "reconcile": RunDocument,
    "start": VerbDocument,
    "explain": ExplainDocument,
    "verify": VerifyDocument,
    "journal-repair": RepairDocument,
    "adopt": AdoptDocument,
    "doctor": DoctorDocument,
}


def decoded(verb: str, text: str) -> Any:
    """Read what a verb printed with `-o json`; raise msgspec.ValidationError."""
    return msgspec.json.decode(text, type=DOCUMENTS[verb])


def line_fields(verb: str) -> dict[str, set[str]]:
    """Name the fields of each kind of line of `-o jsonl`, by its `in`."""
    lists, rest = {}, {"in"}
    for field in msgspec.structs.fields(DOCUMENTS[verb]):
        of = getattr(field.type, "__args__", (None,))[0]
        if isinstance(of, type) and issubclass(of, Strict):
            inner = msgspec.structs.fields(of)
            lists[field.encode_name] = {"in", *(one.encode_name for one in inner)}
        else:
            rest.add(field.encode_name)
    return {**lists, "end": rest}

"""An explanation for people: the verdict, a table of machines and rules, reasons, nearest misses.

Rule 1: the table has a column for each rule that the unit has or that speaks against a machine.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sshfleet.model.explanation import Explanation, Judged, Miss, Step
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.render.safe import safe_line
from sshfleet.render.states import FEW, cannot_run, reason_lines
from sshfleet.render.tables import table

# The columns by the word of their rule, and the key of [X-Fleet] that makes them worth showing.
_COLUMNS = {
    "ready": "", "open": None, "id": "MachineID", "metadata": "MachineMetadata",
    "peers": "MachineOf", "conflicts": "Conflicts", "replaced": None, "replaces": "Replaces",
    "circle": None, "name": None, "copies": None,
}  # fmt: skip
_NAMED = 6  # machines in a line


@dataclass(frozen=True, slots=True)
class Placed:
    """When and why a unit was given to a machine, as far as the journal still knows."""

    machine: str
    machine_id: MachineId
    at: str
    reason: str


def explain_text(found: Explanation, placed: Iterable[Placed], *, colour: bool) -> str:
    """Write the whole explanation."""
    parts = [
        "".join(f"{safe_line(line, 2000)}\n" for line in _verdict(found, placed)),
        _table(found, colour=colour),
        "".join(f"{line}\n" for line in _against(found)),
        "".join(f"{line}\n" for line in _nearest(found)),
    ]
    return "\n".join(part for part in parts if part)


def _verdict(found: Explanation, placed: Iterable[Placed]) -> Iterator[str]:
    left = {step.machine_id: step for step in found.leaves}
    for one in placed:
        begun = f"{found.unit} is placed on {one.machine}"
        yield f"{begun} since {one.at[:19].replace('T', ' ')}: {one.reason}" if one.at else begun
        if step := left.get(one.machine_id):
            yield f"it may not stay on {one.machine}: {step.reason}"
        else:
            yield f"its rules still let it run on {one.machine}"
    for step in found.comes:
        yield _would(found, step)
    if found.pushes_off:
        yield f"for it other units would leave: {', '.join(found.pushes_off)}"
    if not found.runs_somewhere:
        yield f"{found.unit} {cannot_run(len(found.machines))}"
    if found.beside:
        yield f"it is placed together with {', '.join(found.beside)}"


def _would(found: Explanation, step: Step) -> str:
    moves = " move to" if found.leaves else " be placed on"
    return f"{found.unit} would{moves} {step.machine}: {step.reason}"


def _table(found: Explanation, *, colour: bool) -> str:
    if not found.machines:
        return ""
    columns = [word for word in _COLUMNS if _is_shown(word, found)]
    chosen = {step.machine_id for step in found.comes}
    rows = [_row(one, columns, chosen) for one in found.machines]
    return table(rows, ("machine", *columns, "units", "verdict"), colour=colour)


def _is_shown(word: str, found: Explanation) -> bool:
    key = _COLUMNS[word]
    asked = key == "" or (key and any(rule.startswith(f"{key}=") for rule in found.asked))
    return bool(asked) or any(one.rules.get(word) for one in found.machines)


def _row(one: Judged, columns: Iterable[str], chosen: set[MachineId]) -> Mapping[str, str]:
    cells = {word: "no" if one.rules.get(word) else "ok" for word in columns}
    return {"machine": one.machine, **cells, "units": str(one.units), "verdict": _word(one, chosen)}


def _word(one: Judged, chosen: set[MachineId]) -> str:
    if one.machine_id and one.machine_id in chosen:
        return "chosen"
    if one.here:
        return "is here"
    return "qualifies" if one.qualifies else "no"


def _against(found: Explanation) -> Iterator[str]:
    """Tell each reason on a line of its own; machines are grouped by theirs where they are many."""
    reasons = _reasons(found)
    if len(reasons) > FEW:
        yield from reason_lines(reasons)
        return
    width = max(map(len, reasons), default=0)
    for machine, every in reasons.items():
        for number, reason in enumerate(every):
            yield f"{'' if number else machine:<{width}}  {safe_line(reason, 1000)}"


def _reasons(found: Explanation) -> dict[MachineName, tuple[str, ...]]:
    return {
        one.machine: tuple(reason for reasons in one.rules.values() for reason in reasons)
        for one in found.machines
        if not one.qualifies
    }


def _nearest(found: Explanation) -> Iterator[str]:
    if found.runs_somewhere:
        return
    once = list(_once(found))
    if not found.misses and not once:
        if found.machines:
            yield "no rule, and no two together, could be left out to let it run"
        return
    yield "nearest misses:"
    labels = [" and ".join(miss.without) for miss in found.misses]
    width = max(map(len, labels), default=0)
    for miss, label in zip(found.misses, labels, strict=True):
        yield f"  without {safe_line(label):<{width}}  {_qualify(miss)}"
    yield from once


def _qualify(miss: Miss) -> str:
    count = len(miss.machines)
    names = ", ".join(miss.machines[:_NAMED]) + (", …" if count > _NAMED else "")
    return f"{count} machine{' qualifies' if count == 1 else 's qualify'}: {names}"


def _once(found: Explanation) -> Iterator[str]:
    """Name machines that fit but for being cordoned or away."""
    for one in found.machines:
        against = {word for word, reasons in one.rules.items() if reasons}
        if against == {"open"}:
            yield f"  {one.machine} qualifies once it is open: sshfleet uncordon {one.machine}"
        elif against == {"ready"}:
            yield f"  {one.machine} qualifies once it can be used"

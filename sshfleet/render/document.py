"""Plans and outcomes as JSON documents; docs/json.md describes every field.

Rule 1: a field, once released, keeps its name and meaning; new ones may come with the same version.
Rule 2: text is raw here: JSON's own escapes make it safe, and programs want it as it is.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sshfleet.model.action import Action, Notice, Plan, Problem, Waiting
from sshfleet.model.explanation import Explanation, Step
from sshfleet.render.changes import counted
from sshfleet.render.diff import unified
from sshfleet.render.explain import Placed
from sshfleet.render.plan import Shown

VERSION = 1

Document = dict[str, object]

_PLAIN = ("rules", "beside", "pushes_off")  # lists of words, not of objects


def plan_document(shown: Shown) -> Document:
    """Tell of a plan, or of a dry run."""
    return {
        "version": VERSION,
        "changes": [
            {
                "kind": change.kind.value,
                "unit": change.unit or None,
                "machine": change.machine or None,
                "machine_id": change.machine_id or None,
                "reason": change.reason,
            }
            for change in shown.changes
        ],
        "differences": [
            {
                "unit": one.unit,
                "machine": one.machine or None,
                "file": one.file,
                "also": list(one.also),
                "diff": unified(one, shown.texts),
            }
            for one in shown.differences
        ],
        **in_the_way(shown.plan),
        "notices": _items(shown.plan.notices),
        "refused": [{"unit": unit, "error": error} for unit, error in shown.refused],
        "summary": counted(shown.changes),
    }


def in_the_way(plan: Plan) -> Document:
    """Tell what is not as wanted and why, for plans and for runs."""
    return {
        "unplaceable": [
            {"unit": one.unit, "reasons": {str(m): list(r) for m, r in one.reasons.items()}}
            for one in plan.unplaceable
        ],
        "remaining": [
            {
                "unit": one.unit,
                "machine": one.machine,
                "reasons": {str(m): list(r) for m, r in one.reasons.items()},
            }
            for one in plan.remaining
        ],
        "problems": _items(plan.problems),
        "waiting": _items(plan.waiting),
        "away": _items(plan.away),
    }


def _items(items: Iterable[Problem | Waiting | Notice]) -> list[dict[str, str]]:
    return [{"unit": one.unit, "machine": one.machine, "why": one.why} for one in items]


def run_document(
    done: Iterable[tuple[Action, str, str]], plan: Plan, *, timed_out: bool
) -> Document:
    """Tell of a run: each action with its result and the machine's words, and the last plan."""
    return {
        "version": VERSION,
        "actions": [
            {
                "unit": action.unit,
                "machine": action.machine,
                "machine_id": action.machine_id,
                "verb": action.verb.name.lower(),
                "reason": action.reason,
                "result": result,
                "detail": detail or None,
            }
            for action, result, detail in done
        ],
        **in_the_way(plan),
        "timed_out": timed_out,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a unit that a verb named; `ok` means that what was asked is so, or was set
    going where nobody waits for it."""

    unit: str
    ok: bool
    state: str
    is_global: bool
    machines: tuple[str, ...]


def verb_document(
    fates: Iterable[Fate], refused: Iterable[tuple[str, str]], run: Document
) -> Document:
    """Tell what became of the units that a verb named; `run` is the document of its run."""
    return {
        "version": VERSION,
        "units": [
            {
                "unit": one.unit,
                "ok": one.ok,
                "state": one.state,
                "global": one.is_global,
                "machines": list(one.machines),
            }
            for one in fates
        ],
        "refused": [{"unit": unit, "error": error} for unit, error in refused],
        **run,
    }


def explain_document(found: Explanation, placed: Iterable[Placed]) -> Document:
    """Tell all of an explanation."""
    return {
        "version": VERSION,
        "unit": found.unit,
        "global": found.is_global,
        "runs_somewhere": found.runs_somewhere,
        "rules": list(found.asked),
        "beside": list(found.beside),
        "placed": [
            {
                "machine": one.machine,
                "machine_id": one.machine_id,
                "at": one.at or None,
                "reason": one.reason or None,
            }
            for one in placed
        ],
        "comes": _steps(found.comes),
        "leaves": _steps(found.leaves),
        "pushes_off": list(found.pushes_off),
        "machines": [
            {
                "machine": one.machine,
                "machine_id": one.machine_id or None,
                "units": one.units,
                "here": one.here,
                "qualifies": one.qualifies,
                "rules": {word: list(reasons) for word, reasons in one.rules.items()},
            }
            for one in found.machines
        ],
        "misses": [
            {"without": list(miss.without), "machines": list(miss.machines)}
            for miss in found.misses
        ],
    }


def _steps(steps: Iterable[Step]) -> list[dict[str, str]]:
    return [
        {"machine": one.machine, "machine_id": one.machine_id, "reason": one.reason}
        for one in steps
    ]


def written(document: Document, output: str) -> str:
    """Write a document for `-o json`, or for `-o jsonl` an item a line.

    There `in` names the list an item is of; what is in no list comes last.
    """
    if output == "json":
        return json.dumps(document, indent=2) + "\n"
    lines: list[Mapping[str, object]] = []
    rest: Document = {}
    for key, value in document.items():
        if isinstance(value, list) and key not in _PLAIN:
            lines += [{"in": key, **item} for item in value]
        else:
            rest[key] = value
    return "".join(json.dumps(line) + "\n" for line in (*lines, {"in": "end", **rest}))

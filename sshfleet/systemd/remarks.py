"""What the script remarks on single units, in lines of their own → UnitState.

Rule 1: what a machine says is bounded, and a line that says nothing of ours is passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sshfleet.model.observed import UnitState
from sshfleet.model.unit import UnitName

_PATH = 300  # characters
_STRAYS = 20  # of one unit


def with_remarks(
    units: Mapping[UnitName, UnitState], lines: Iterable[Sequence[str]]
) -> dict[UnitName, UnitState]:
    """Add to each unit what `hidden NAME KIND PATH`, `stray NAME PATH` and `fresh NAME` say."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        match line:
            case ["hidden", name, "none", _]:
                found.setdefault(name, {})["unlinked"] = True
            case ["hidden", name, kind, path]:
                hidden = {"shadow": path[:_PATH], "masked": kind == "mask"}
                found.setdefault(name, {}).update(hidden)
            case ["stray", name, path]:
                said = found.setdefault(name, {})
                said["strays"] = (*said.get("strays", ()), path[:_PATH])[:_STRAYS]
            case ["fresh", name]:
                found.setdefault(name, {})["fresh"] = True
    return {name: replace(state, **found.get(name, {})) for name, state in units.items()}

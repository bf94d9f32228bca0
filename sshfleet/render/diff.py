"""Unit-file differences: what is there against what is to be there, as a unified diff.

Rule 1: both texts are shown as they are but for control characters, which are escaped.
Rule 2: what is too long to compare at once is said so: a diff is for people.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff

from sshfleet.model.action import Plan, Verb
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed, UnitState
from sshfleet.model.unit import UnitName
from sshfleet.render.changes import Seen
from sshfleet.render.safe import safe
from sshfleet.render.tables import painted

LONGEST = 1000  # lines; difflib takes seconds for more, with lines that repeat
_HOME = "/etc/sshfleet/units/"
_COLOURS = {"+": "32", "-": "31", "@": "36"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A file of `unit` that changes from one text to another, both given by SHA-256.

    `machine` is where the old one lies, empty for the journal; `also` has further machines and
    units with the same two texts.
    """

    unit: UnitName
    machine: MachineName
    path: str
    old: str
    new: str
    also: tuple[str, ...] = ()


def differences(plan: Plan, seen: Seen) -> list[Difference]:
    """List what changes in files on machines and in registered texts; equal changes once."""
    found: dict[tuple[str, str], Difference] = {}
    more: dict[tuple[str, str], list[str]] = {}
    for one in (*_on_machines(plan, seen.observed), *_registered(seen.before, seen.after)):
        key = (one.old, one.new)
        if key not in found:
            found[key] = one
        elif one.machine:
            more.setdefault(key, []).append(_source(one))
    return sorted(
        (_with(one, more.get(key, ())) for key, one in found.items()),
        key=lambda one: (one.unit, one.machine),
    )


def _with(one: Difference, also: Iterable[str]) -> Difference:
    return Difference(
        unit=one.unit, machine=one.machine, path=one.path, old=one.old, new=one.new,
        also=tuple(also),
    )  # fmt: skip


def _on_machines(plan: Plan, observed: Observed) -> Iterator[Difference]:
    seen = observed.by_id()
    for action in plan.actions:
        found = seen.get(action.machine_id)
        state = found[1].units.get(action.unit) if found else None
        if action.verb is Verb.INSTALL and state and state.sha256 not in ("", action.sha256):
            yield Difference(
                unit=action.unit,
                machine=action.machine,
                path=_path(state),
                old=state.sha256,
                new=action.sha256,
            )


def _path(state: UnitState) -> str:
    """Return the file's path; a machine's word for it counts only when the name is right."""
    path = state.fragment
    return path if path.endswith(f"/sshfleet/units/{state.name}") else _HOME + state.name


def _registered(before: DesiredState, after: DesiredState) -> Iterator[Difference]:
    for name, unit in sorted(after.units.items()):
        old = before.units.get(name)
        gone = old is None or old.target is TargetState.ABSENT
        if old and not gone and old.sha256 != unit.sha256:
            yield Difference(
                unit=name, machine=MachineName(""), path="", old=old.sha256, new=unit.sha256
            )


def unified(one: Difference, texts: Mapping[str, str]) -> list[str]:
    """Compare the two texts line by line; an old text that nobody could read is said so."""
    old, new = texts.get(one.old), texts.get(one.new)
    head = [f"--- {_source(one)}{_more(one)}", f"+++ {one.unit}"]
    if old is None or new is None:
        return [*head, "(the text that is there could not be read)"]
    old_lines, new_lines = old.split("\n"), new.split("\n")
    if max(len(old_lines), len(new_lines)) > LONGEST:
        counts = f"{len(old_lines)} lines before, {len(new_lines)} after"
        return [*head, f"(too long to compare: {counts})"]
    return head + list(unified_diff(old_lines, new_lines, lineterm=""))[2:]


def _source(one: Difference) -> str:
    return f"{one.machine}:{one.path}" if one.machine else f"{one.unit} (registered)"


def _more(one: Difference) -> str:
    return f" (and {len(one.also)} more)" if one.also else ""


def diff_lines(lines: Iterable[str], *, colour: bool) -> Iterator[str]:
    """Make a diff safe to show, and coloured for a terminal."""
    for number, line in enumerate(lines):
        text = safe(line).replace("\r", "\\x0d")
        code = "1" if number < 2 else _COLOURS.get(line[:1], "")
        yield painted(text, code if colour else "") + "\n"

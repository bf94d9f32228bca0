"""Unit-file differences: what is there against what is to be there, as a unified diff.

Rule 1: texts are shown as they are but for control characters, which are escaped.
Rule 2: what is too long to compare at once is said so: a diff is for people.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff

from sshfleet.model.action import Plan, Verb
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import UnitState
from sshfleet.model.unit import UnitName
from sshfleet.render.changes import Seen
from sshfleet.render.safe import safe
from sshfleet.render.tables import painted

LONGEST = 1000  # lines; difflib takes seconds for more, with lines that repeat
_HOME = "/etc/sshfleet/units/"
_COLOURS = {"+": "32", "-": "31", "@": "36"}

Files = Mapping[str, str]
"""SHA-256 by file: the name of the unit, and `NAME.d/X.conf` for each drop-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A file of `unit` that changes from one text to another; `old` and `new` are SHA-256, or empty
    where there is no such file.

    `machine` is where the old one lies, empty for the journal; `also` names further places where
    the same text becomes the same other one.
    """

    unit: UnitName
    machine: MachineName
    file: str
    home: str
    old: str
    new: str
    also: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Say where the old text lies."""
        return f"{self.machine}:{self.home}{self.file}" if self.machine else self.file


def differences(plan: Plan, seen: Seen) -> list[Difference]:
    """List what changes in files on machines and in registered texts; equal changes once."""
    first: dict[tuple[str, str, str], Difference] = {}
    for one in (*_on_machines(plan, seen), *_registered(seen)):
        # Instances of one template are one text; files that come or go are told by their names.
        key = (one.old, one.new, "" if one.old and one.new else one.file)
        if key not in first:
            first[key] = one
        elif one.machine:
            first[key] = replace(first[key], also=(*first[key].also, one.place))
    return sorted(first.values(), key=lambda one: (one.unit, one.machine, one.file))


def _on_machines(plan: Plan, seen: Seen) -> Iterator[Difference]:
    reached = seen.observed.by_id()
    for action in (*plan.actions, *plan.left):
        found = reached.get(action.machine_id)
        state = found[1].units.get(action.unit) if found else None
        if action.verb is Verb.INSTALL and state and state.sha256:
            old, new = _files(state), _files(seen.after.units[action.unit])
            yield from _each(action.unit, action.machine, _home(state), old, new)


def _registered(seen: Seen) -> Iterator[Difference]:
    for name, unit in sorted(seen.after.units.items()):
        old = seen.before.units.get(name)
        if old and old.target is not TargetState.ABSENT:
            yield from _each(name, MachineName(""), "", _files(old), _files(unit))


def _each(
    unit: UnitName, machine: MachineName, home: str, old: Files, new: Files
) -> Iterator[Difference]:
    for file in sorted(old.keys() | new.keys()):
        was, is_ = old.get(file, ""), new.get(file, "")
        if was != is_:
            yield Difference(unit=unit, machine=machine, file=file, home=home, old=was, new=is_)


def _files(of: UnitState | DesiredUnit) -> Files:
    dropins = {f"{of.name}.d/{name}": sha256 for name, sha256 in of.dropins.items()}
    return {of.name: of.sha256, **dropins}


def _home(state: UnitState) -> str:
    """Return the folder of the file; a machine's word for it counts only when it can be ours."""
    home = state.fragment.removesuffix(state.name)
    return home if home.endswith("/sshfleet/units/") else _HOME


def unified(one: Difference, texts: Mapping[str, str]) -> list[str]:
    """Compare the two texts line by line; one that nobody could read is said so."""
    more = f" (and {len(one.also)} more)" if one.also else ""
    head = [
        f"--- {one.place}{more}" if one.old else "--- /dev/null",
        f"+++ {one.file}" if one.new else "+++ /dev/null",
    ]
    texts = {**texts, "": ""}
    if one.old not in texts or one.new not in texts:
        return [*head, "(the text that is there could not be read)"]
    old, new = _lines(texts[one.old]), _lines(texts[one.new])
    if max(len(old), len(new)) > LONGEST:
        return [*head, f"(too long to compare: {len(old)} lines before, {len(new)} after)"]
    found = list(unified_diff(old, new, lineterm=""))[2:]
    return head + [line for each in found for line in each.split("\n")]


def _lines(text: str) -> list[str]:
    """Split a text; a last line without its newline says so, as diff(1) has it."""
    *whole, last = text.split("\n")
    return [*whole, f"{last}\n\\ No newline at end of file"] if last else whole


def diff_lines(lines: Iterable[str], *, colour: bool) -> Iterator[str]:
    """Make a diff safe to show, and coloured for a terminal."""
    for number, line in enumerate(lines):
        code = "1" if number < 2 else _COLOURS.get(line[:1], "")
        yield painted(safe(line), code if colour else "") + "\n"

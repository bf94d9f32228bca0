"""Everything for one machine in one round trip: actions and questions → a script and its input.

Rule 1: the script is constant; names, paths and numbers travel as lines of tab-separated fields.
Rule 2: what is sent was checked here, so that a field never holds a tab, a newline or nothing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sshfleet.model.action import Action, Verb
from sshfleet.model.event import TargetState
from sshfleet.model.observed import Reached
from sshfleet.model.owner import MARK, Claim
from sshfleet.model.step import Run
from sshfleet.model.unit import UnitName, checked_name, dropin_problem, is_template
from sshfleet.systemd.sh import ACT_SCRIPT, GUARD_SCRIPT, LOOK_SCRIPT

_WORK = 30.0  # seconds for what does not wait: systemctl, files, reload
_HEX = re.compile(r"[0-9a-f]{16,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LINEAGE = re.compile(r"[0-9A-Za-z-]{1,64}")
_LINE = re.compile(r"[!-~]([ -~]*[!-~])?")
_CHANGE = re.compile(r"-|[0-9]{1,15}-[0-9a-f]{16}/[0-9]{1,6}")
_BOOT = re.compile(r"-|[0-9a-f-]{32,36}")
_GUARD = re.compile(r"-|[1-9][0-9]{0,5}")
_FOLDER = re.compile(r"/[^\0\t\n]*[^\0\t\n ]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What one machine shall do and tell in one round trip.

    `actions` are carried out in the order of Verb, then of names. Units that are stopped, and then
    those in `watch`, are waited for until none changes state, `patience` seconds at the most. Those
    watched that are active then must stay so for `settle` seconds if their type asks for it. `look`
    names further units to report. `staging` is the absolute folder of the texts that were uploaded,
    each named by its SHA-256, or nothing. Without a `claim` nobody asks whose the machine is.
    """

    actions: tuple[Action, ...] = ()
    look: tuple[UnitName, ...] = ()
    watch: tuple[UnitName, ...] = ()
    patience: float = 0.0
    settle: float = 0.5
    lineage: str = ""
    staging: str = ""
    claim: Claim | None = None

    @property
    def changes(self) -> bool:
        """Tell whether the machine is to be changed, which takes root."""
        return bool(self.actions or self.claim)


def request(transaction: Transaction, nonce: str) -> Run:
    """Spell a transaction out; `nonce` (16 to 64 hex digits) frames the reply to it.

    Without actions it does not ask for root. ValueError when a field is not what it should be:
    such a value never comes from a user.
    """
    lines = [*_settings(transaction, nonce), *_touched(transaction.actions)]
    lines += _orders(transaction.actions)
    lines += [("watch", name) for name in _names(transaction.watch)]
    asked = {action.unit for action in transaction.actions}
    asked.update(transaction.look, transaction.watch)
    lines += [("look", name) for name in _names(asked)]
    lines.append(("end",))
    return Run(
        script=_script(transaction),
        data="".join("\t".join(line) + "\n" for line in lines).encode("utf-8", "surrogateescape"),
        root=transaction.changes,
        seconds=_WORK + transaction.patience + transaction.settle,
    )


def _script(transaction: Transaction) -> str:
    if any(action.guard for action in transaction.actions):
        return GUARD_SCRIPT
    return ACT_SCRIPT if transaction.changes else LOOK_SCRIPT


def uploads_needed(actions: Iterable[Action], report: Reached | None) -> frozenset[str]:
    """Return the SHA-256 of each text that INSTALL needs and the machine does not have in place."""
    needed: set[str] = set()
    for action in actions:
        if action.verb is Verb.INSTALL:
            state = report.units.get(action.unit) if report else None
            if state and state.runtime != action.runtime:
                state = None  # that is the other of its two homes
            held = {"": state.sha256, **state.dropins} if state else {}
            wanted = {"": action.sha256, **action.dropins}
            needed.update(sum for name, sum in wanted.items() if held.get(name) != sum)
    return frozenset(needed)


def _settings(transaction: Transaction, nonce: str) -> Iterator[tuple[str, ...]]:
    yield "nonce", _matching(_HEX, nonce)
    if transaction.changes:
        yield "lineage", _matching(_LINEAGE, transaction.lineage)
    if claim := transaction.claim:
        marks = " ".join(_matching(MARK, mark) for mark in claim.accepted)
        line = _matching(_LINE, claim.owner.line())
        seen = _matching(_CHANGE, claim.seen or "-"), _matching(_BOOT, claim.boot_id or "-")
        yield "claim", line, str(claim.floor), marks or "-", *seen
    yield "staging", _matching(_FOLDER, transaction.staging) if transaction.staging else "-"
    yield "patience", str(max(0, round(transaction.patience * 100)))
    yield "settle", f"{max(0.0, transaction.settle):.3f}"


def _touched(actions: Iterable[Action]) -> Iterator[tuple[str, ...]]:
    """Tell each name with the first verb of it: what its refusal is answered to."""
    first: dict[UnitName, Verb] = {}
    for action in sorted(actions, key=Action.order):
        first.setdefault(checked_name(action.unit), action.verb)
    return (("touch", name, verb.name.lower()) for name, verb in first.items())


def _orders(actions: Iterable[Action]) -> Iterator[tuple[str, ...]]:
    # What has the same text stands together: the script writes such files all at once.
    installs = [action for action in actions if action.verb is Verb.INSTALL]
    yield from sorted(part for action in installs if action.dropins for part in _parts(action))
    for action in sorted(actions, key=lambda each: (each.verb, each.sha256, each.unit)):
        if action.verb is Verb.INSTALL:
            yield ("install", action.unit, *_particulars(action))
        else:
            yield action.verb.name.lower(), action.unit


def _parts(action: Action) -> Iterator[tuple[str, ...]]:
    """Name the files of a unit with drop-ins, as they lie in our folder."""
    yield "part", _matching(_SHA256, action.sha256), action.unit
    for name, sha256 in action.dropins.items():
        if dropin_problem(name):
            raise ValueError(name)
        yield "part", _matching(_SHA256, sha256), f"{action.unit}.d/{name}"


def _particulars(action: Action) -> tuple[str, ...]:
    if not action.target.on_machine or action.generation < 0 or is_template(action.unit):
        raise ValueError(action)
    if action.guard and not (action.runtime and action.unit.endswith(".service")):
        raise ValueError(action)
    target = "launched" if action.target is TargetState.LAUNCHED else "loaded"
    return (
        _matching(_SHA256, action.content),
        str(action.generation),
        target,
        "yes" if action.installs else "no",
        "run" if action.runtime else "etc",
        _matching(_GUARD, action.guard) if action.guard else "no",
        *([",".join(sorted(action.dropins))] if action.dropins else []),
    )


def _names(names: Iterable[UnitName]) -> list[UnitName]:
    """Sort, drop doubles, and templates: systemd runs only their instances."""
    return sorted({checked_name(name) for name in names if not is_template(name)})


def _matching(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(value)
    return value

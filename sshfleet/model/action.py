"""Plans: what machines are to be asked, and why.

Rule 1: data only. `systemd.transaction` spells actions out, `apply` gives them effect, `render`
shows them.
Rule 2: every action, refusal and wait says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName, content_hash


class Verb(IntEnum):
    """In the order in which one machine carries them out; daemon-reload stands before START."""

    STOP = 1
    REMOVE = 2
    INSTALL = 3
    START = 4
    RESTART = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do on one machine. INSTALL makes file, drop-ins, record and boot links what
    `target` says; the fields after `reason` are its particulars. `sha256` is of the file, `dropins`
    maps the names of drop-ins to the SHA-256 of theirs. `runtime` is for units that a reboot takes
    away. `guard` is for units that run only under a lease: the seconds they are given to stop, or
    `-` when they say that themselves.
    """

    machine: MachineName
    machine_id: MachineId
    verb: Verb
    unit: UnitName
    reason: str
    sha256: str = ""
    generation: int = 0
    target: TargetState = TargetState.LOADED
    installs: bool = False
    dropins: Mapping[str, str] = field(default_factory=dict, hash=False)
    runtime: bool = False
    guard: str = ""

    @property
    def content(self) -> str:
        """Return what tells its content from any other."""
        return content_hash(self.sha256, self.dropins)

    def order(self) -> tuple[str, int, str]:
        """Sort by machine, then in the order a machine works, then by name."""
        return (self.machine, self.verb, self.unit)


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """No machine may run the unit: each machine's reasons, in the order of the rules."""

    unit: UnitName
    reasons: Mapping[MachineName, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Remaining:
    """A unit that stays on a machine that is drained: each machine's reasons against it."""

    unit: UnitName
    machine: MachineName
    reasons: Mapping[MachineName, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to do for a unit now, but it is not there yet."""

    unit: UnitName
    machine: MachineName
    why: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A unit that is not as wanted and that no action of ours will mend; `hint` says who will."""

    unit: UnitName
    machine: MachineName
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a unit that is good to know and in nobody's way."""

    unit: UnitName
    machine: MachineName
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to journal first, what to do next, and what stands in the way.

    `away` are copies on machines that did not answer: nothing can be done or known there now.
    `left` are actions that the policy for drift forbids; the problems tell of them.
    `frozen` says why none of those is given up, although some might be.
    `remaining` are on machines that are drained, and have nowhere else to go.
    """

    decisions: tuple[Event, ...] = ()
    actions: tuple[Action, ...] = ()
    unplaceable: tuple[Unplaceable, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    away: tuple[Waiting, ...] = ()
    problems: tuple[Problem, ...] = ()
    left: tuple[Action, ...] = ()
    notices: tuple[Notice, ...] = ()
    frozen: str = ""
    remaining: tuple[Remaining, ...] = ()

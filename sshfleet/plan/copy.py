"""A copy: one unit on one machine that holds it or is to hold it, wanted against seen."""

from typing import NamedTuple

from sshfleet.model.action import Action, Verb
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from sshfleet.model.health import Health
from sshfleet.model.machine import FailoverMode, MachineId, MachineName
from sshfleet.model.observed import UnitState
from sshfleet.model.unit import Unit
from sshfleet.plan.mode import guard_of


class Copy(NamedTuple):  # made in a quarter of the time of a frozen dataclass, for every copy
    """One unit on one machine that answered: `state` is None when nothing of the name is there.

    `mode` is how it fails over, and so where its file lies and whether it needs a lease to run.
    """

    unit: DesiredUnit
    text: Unit
    id: MachineId
    machine: MachineName
    state: UnitState | None
    mode: FailoverMode = FailoverMode.MANUAL

    @property
    def runtime(self) -> bool:
        """Tell whether a reboot is to take it away: it is placed anew then, perhaps elsewhere."""
        return self.mode is not FailoverMode.MANUAL

    @property
    def guard(self) -> str:
        """Return what its guard is told (Action.guard)."""
        return guard_of(self.text, self.mode)

    @property
    def guarded(self) -> bool:
        """Tell whether a copy is there that runs only under a lease."""
        return self.state is not None and self.state.guarded

    @property
    def present(self) -> bool:
        """Tell whether anything of ours is there, be it only a process whose file is gone."""
        state = self.state
        return state is not None and bool(state.sha256 or state.record or self._orphan(state))

    @staticmethod
    def _orphan(state: UnitState) -> bool:
        return state.load == "not-found" and not state.at_rest


def action_for(copy: Copy, verb: Verb, reason: str) -> Action:
    """Return what is to be done to a copy."""
    return Action(
        machine=copy.machine,
        machine_id=copy.id,
        verb=verb,
        unit=copy.unit.name,
        reason=reason,
        sha256=copy.unit.sha256,
        dropins=copy.unit.dropins,
        generation=copy.unit.generation,
        target=copy.unit.target,
        installs=copy.text.installs,
        runtime=copy.runtime,
        guard=copy.guard,
    )


def not_ours(copy: Copy, lineage: str) -> str:
    """Say why what is there must not be touched; nothing when it may."""
    state = copy.state
    if state is None:
        return ""
    if state.record and state.record.lineage not in ("", lineage):
        return f"the copy there belongs to another journal (lineage {state.record.lineage[:8]})"
    if not state.sha256 and state.load == "masked":
        return "the name is masked there"
    if not state.sha256 and state.record is None and state.load not in ("not-found", ""):
        return f"the name is taken there by {state.fragment or 'a unit that is not ours'}"
    return ""


def why_install(copy: Copy, lineage: str) -> str:
    """Say what is not yet as wanted about file, record and boot links; nothing when all is."""
    unit, state = copy.unit, copy.state
    if state is None or not state.sha256:
        return "is not there yet" if state is None or state.record is None else "its file is gone"
    wanted, found, record = unit.content, state.content, state.record
    if found != wanted:
        edited = record is not None and record.sha256 != found
        return _what_was_edited(copy, state) if edited else "has a new text"
    if record is None or record.lineage != lineage or record.sha256 != wanted:
        return "its record is missing"
    if why := _not_in_place(copy, state):
        return why
    # A unit on several machines has a generation on each, of which only the last is known here.
    several = copy.text.requirements.is_global or len(unit.placements) > 1
    stale = not several and record.generation != unit.generation
    return f"becomes {unit.target}" if stale or record.target != unit.target else ""


def _not_in_place(copy: Copy, state: UnitState) -> str:
    """Say what is not as its way to fail over asks for: where the file lies, boot link, guard."""
    runtime = copy.runtime
    if state.runtime != runtime:
        return f"fails over by {copy.mode} now"
    if state.guarded != bool(copy.guard):
        return "needs no lease any more" if state.guarded else "its lease guard is missing"
    if state.unlinked:
        return "its link was removed there"
    if state.boot != (copy.unit.target is TargetState.LAUNCHED and not runtime):
        return "is to start at boot" if not state.boot else "is no longer to start at boot"
    return ""


def _what_was_edited(copy: Copy, state: UnitState) -> str:
    if state.sha256 == copy.unit.sha256:
        return "its drop-ins were changed there"
    return "its file was edited there"


def why_renew(copy: Copy, health: Health) -> str:
    """Say why what runs, or ran last, is to run anew; nothing when it is not."""
    unit, state = copy.unit, copy.state
    if state is None or not state.invocation:
        return ""
    replaced = state.record is not None and state.record.sha256 != unit.content
    if replaced or state.old_text:
        return "has not run its new text" if state.at_rest else "runs its old text"
    asked = unit.restart.get(copy.id) == state.invocation
    return "a restart was asked for" if asked and health is Health.OK else ""

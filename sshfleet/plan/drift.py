"""What is to be done about drift on one machine, and what is left to those who made it.

Rule 1: what is not ours is never undone: a mask, another file of the name, somebody's drop-in.
Rule 2: under `report` what somebody changed stays and is told. A new wish, a unit that the user
named and a reboot are no drift, and what a killed run of ours left is none either.
"""

from sshfleet.model.action import Notice, Problem
from sshfleet.model.drift import Drift, changed, was_stopped
from sshfleet.model.event import TargetState
from sshfleet.model.machine import DriftPolicy
from sshfleet.plan.copy import Copy

_SHORT = 7  # digits of a hash, as the lists show it
_SAYS = {
    Drift.DELETED: "its file was deleted there",
    Drift.UNLINKED: "its link in systemd's folder was removed there",
    Drift.DISABLED: "its start at boot was undone there",
    Drift.ENABLED: "it was made to start at boot there",
}
_UNMASK = {
    "/etc/systemd/system": "systemctl unmask",
    "/run/systemd/system": "systemctl unmask --runtime",
}


def left(copy: Copy, fleet: DriftPolicy, *, named: bool) -> Problem | None:
    """Tell what of file and links is left as somebody made it; None when all is to be as wanted.

    `named`: the user asks for this very unit.
    """
    return _hidden(copy) or (None if named else _left_as_changed(copy, fleet))


def can_run(copy: Copy) -> bool:
    """Tell whether systemd can start the unit from what is there, be it as wanted or not."""
    state = copy.state
    return state is not None and bool(state.sha256) and not (state.shadow or state.unlinked)


def _hidden(copy: Copy) -> Problem | None:
    state = copy.state
    if state is None or not state.sha256 or not state.shadow:
        return None
    folder, _, name = state.shadow.rpartition("/")
    if state.masked:
        undo = f"{_UNMASK[folder]} {name}" if folder in _UNMASK else f"rm {state.shadow}"
        why = f"it is masked there by {state.shadow}"
    else:
        undo = f"rm {state.shadow}; systemctl daemon-reload"
        why = f"{state.shadow} hides its file there"
    return _problem(copy, why, f"that is left to you: sshfleet ssh {copy.machine}, as root: {undo}")


def _left_as_changed(copy: Copy, fleet: DriftPolicy) -> Problem | None:
    state, unit = copy.state, copy.unit
    if state is None or not (why := _told(fleet, copy)) or _is_new_wish(copy):
        return None
    found = next(changed(state), None)
    if found is None:
        return None
    if found is Drift.EDITED:
        what = "its file was" if state.sha256 != unit.sha256 else "its drop-ins were"
        said = f"{what} edited there (the journal has {copy.text.hash[:_SHORT]})"
    else:
        said = _SAYS[found]
    shows = f"sshfleet plan {unit.name} shows the difference; " if found is Drift.EDITED else ""
    verb = "start" if unit.target is TargetState.LAUNCHED else "stop"
    return _problem(copy, f"{said}, and left so: {why}", f"{shows}{_mend(verb, copy)}")


def left_stopped(copy: Copy, fleet: DriftPolicy) -> Problem | None:
    """Tell of a unit that somebody stopped, when it is to be left so."""
    if copy.state is None or not was_stopped(copy.state, copy.unit):
        return None
    if not (why := _told(fleet, copy)):
        return None
    said = "it was stopped there, or ended by itself"
    return _problem(copy, f"{said}, and left so: {why}", _mend("start", copy))


def notices(copy: Copy) -> list[Notice]:
    """Tell of drop-ins that others made for the unit, which stay."""
    strays = copy.state.strays if copy.state else ()
    why = "has a drop-in that is not ours: "
    return [Notice(copy.unit.name, copy.machine, why + path) for path in strays]


def _told(fleet: DriftPolicy, copy: Copy) -> str:
    """Say who wants drift only told; nothing when it is to be mended."""
    own = copy.text.requirements.drift
    if (own or fleet) is DriftPolicy.ENFORCE:
        return ""
    return f"Drift={own}" if own else f"drift: {fleet}"


def _is_new_wish(copy: Copy) -> bool:
    """Tell whether the machine has yet to be told what is wanted: that brings all of it along."""
    unit, record = copy.unit, copy.state.record if copy.state else None
    if record is None or (record.sha256, record.target) != (unit.content, unit.target):
        return True
    if copy.state and (copy.state.runtime, copy.state.guarded) != (copy.runtime, bool(copy.guard)):
        return True
    return not copy.text.requirements.is_global and record.generation != unit.generation


def _mend(verb: str, copy: Copy) -> str:
    return f"sshfleet {verb} {copy.unit.name} makes it as the journal says"


def _problem(copy: Copy, why: str, hint: str) -> Problem:
    return Problem(copy.unit.name, copy.machine, why, hint)

"""Drift: what somebody changed on a machine behind our back, in a word each.

Rule 1: only a whole record tells what was; where it is missing or half undone, a run of ours was
killed there, and what differs is ours to finish.
"""

from collections.abc import Iterator
from enum import StrEnum

from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from sshfleet.model.health import is_flapping
from sshfleet.model.observed import UnitState


class Drift(StrEnum):
    """What is not as it was put there; docs/drift.md tells what comes of each."""

    MASKED = "masked"
    SHADOWED = "shadowed"
    DELETED = "deleted"
    EDITED = "edited"
    UNLINKED = "unlinked"
    DISABLED = "disabled"
    ENABLED = "enabled"
    STOPPED = "stopped"
    STARTED = "started"
    FLAPPING = "flapping"
    OLD_TEXT = "old-text"
    DROP_IN = "drop-in"


def drift_of(state: UnitState, unit: DesiredUnit | None) -> tuple[Drift, ...]:
    """Name all that drifted of a unit; `unit` is None where it is not meant to be."""
    found = [*hidden(state), *changed(state)]
    if unit is not None:
        found += _run(state, unit)
    if is_flapping(state):
        found.append(Drift.FLAPPING)
    if state.old_text and not state.at_rest:
        found.append(Drift.OLD_TEXT)
    if state.strays:
        found.append(Drift.DROP_IN)
    return tuple(found)


def hidden(state: UnitState) -> Iterator[Drift]:
    """Tell whether something that is not ours keeps systemd from seeing our file."""
    if state.sha256 and state.shadow:
        yield Drift.MASKED if state.masked else Drift.SHADOWED


def changed(state: UnitState) -> Iterator[Drift]:
    """Tell what of file, drop-ins and links is not what the record says it was."""
    record = state.record
    if record is None:
        return
    if not state.sha256:
        yield Drift.DELETED
        return
    if state.content != record.sha256:
        yield Drift.EDITED
    if state.unlinked:
        yield Drift.UNLINKED
    if state.boot != (record.target == TargetState.LAUNCHED and not state.runtime):
        yield Drift.ENABLED if state.boot else Drift.DISABLED


def _run(state: UnitState, unit: DesiredUnit) -> Iterator[Drift]:
    if was_stopped(state, unit):
        yield Drift.STOPPED
    loaded = state.record is not None and state.record.target == TargetState.LOADED
    if loaded and unit.target is TargetState.LOADED and not state.at_rest:
        yield Drift.STARTED


def was_stopped(state: UnitState, unit: DesiredUnit) -> bool:
    """Tell whether a unit that is to run has, since the machine booted, and was stopped or ended.

    A failed one was not stopped; without an InvocationID it has not run since the boot.
    """
    if state.active != "inactive" or state.job or state.kind == "oneshot":
        return False
    launched = state.record is not None and state.record.target == TargetState.LAUNCHED
    return launched and unit.target is TargetState.LAUNCHED and bool(state.invocation)

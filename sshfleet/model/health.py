"""Health: is a unit on a machine in the state that is wanted, and if not, in plain words, why.

Rule 1: systemd's states decide, never an exit code of systemctl (a start may "succeed" and the
program be dead a moment later).
"""

from dataclasses import dataclass
from enum import StrEnum

from sshfleet.model.event import TargetState
from sshfleet.model.observed import UnitState

CRASHES = 3  # restarts by systemd itself after which a start has failed

_BROKEN = {
    "not-found": "its file is not known to systemd there",
    "bad-setting": "systemd refuses its file: a setting in it is wrong",
    "error": "systemd cannot read its file",
    "masked": "it is masked there",
}


class Health(StrEnum):
    """OK: as wanted. PENDING: on its way. FAILED: it will not get there by itself."""

    OK = "ok"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement, and the words for a user that explain it."""

    health: Health
    words: str = ""


def judge(state: UnitState, target: TargetState) -> Verdict:
    """Judge a unit whose target is loaded or launched (systemd(1), "Units")."""
    if state.load in _BROKEN and state.active in ("inactive", "failed"):
        return Verdict(Health.FAILED, _BROKEN[state.load])
    if state.job or state.active in ("deactivating", "reloading", "refreshing", "maintenance"):
        return Verdict(Health.PENDING, _moving(state))
    return _launched(state) if target is TargetState.LAUNCHED else _loaded(state)


def _moving(state: UnitState) -> str:
    if state.job and state.active in ("inactive", "failed"):
        return "queued: systemd waits for other units first"
    return f"{state.active} ({state.sub})"


def _loaded(state: UnitState) -> Verdict:
    if state.active in ("inactive", "failed"):
        return Verdict(Health.OK)
    return Verdict(Health.FAILED, "it runs, but is to be loaded only")


def _launched(state: UnitState) -> Verdict:
    if state.active == "active":
        if state.settled is False:
            return Verdict(Health.PENDING, "has not settled yet")
        return Verdict(Health.OK)
    if state.sub.startswith("auto-restart"):
        return _crashing(state)
    if state.active == "activating":
        return Verdict(Health.PENDING, _moving(state))
    if state.active == "failed":
        return Verdict(Health.FAILED, _failure(state))
    if state.kind == "oneshot" and state.invocation and state.result == "success":
        return Verdict(Health.OK)
    return Verdict(Health.FAILED, "ended by itself" if state.invocation else "has not been started")


def _crashing(state: UnitState) -> Verdict:
    words = f"keeps crashing: restarted {state.restarts} times, {_failure(state)}"
    return Verdict(Health.FAILED if state.restarts >= CRASHES else Health.PENDING, words)


def _failure(state: UnitState) -> str:
    known = {203: "the program cannot be executed", 217: "its User= does not exist there"}
    meaning = f": {known[state.status]}" if state.status in known else ""
    status = f", status {state.status}{meaning}" if state.status else ""
    return f"failed: {state.result or 'no reason given'}{status}"

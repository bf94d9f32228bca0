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

# Result= of systemd.service(5) and its like, where the word alone does not tell enough.
_RESULTS = {
    "timeout": "it did not start or stop in time",
    "watchdog": "it did not send its keep-alive in time",
    "oom-kill": "the machine ran out of memory",
    "start-limit-hit": "it was started too often in a short time",
    "protocol": "it did not do what its Type= asks for",
    "resources": "systemd could not prepare it",
    "exec-condition": "its ExecCondition= does not hold",
}

# Exit statuses of systemd itself, before the program runs: systemd.exec(5), "Process Exit Codes".
_STATUSES = {
    200: ("CHDIR", "its WorkingDirectory= cannot be entered"),
    203: ("EXEC", "the program cannot be executed"),
    208: ("STDIN", "its standard input cannot be set up"),
    209: ("STDOUT", "its standard output cannot be set up"),
    214: ("SETSCHEDULER", "its scheduling policy cannot be set"),
    215: ("CPUAFFINITY", "its CPUAffinity= cannot be set"),
    216: ("GROUP", "its Group= does not exist there"),
    217: ("USER", "its User= does not exist there"),
    218: ("CAPABILITIES", "its capabilities cannot be set"),
    219: ("CGROUP", "its control group cannot be set up"),
    226: ("NAMESPACE", "its file system view cannot be set up"),
    228: ("SECCOMP", "its system call filter cannot be set"),
    233: ("RUNTIME_DIRECTORY", "its RuntimeDirectory= cannot be made"),
    238: ("STATE_DIRECTORY", "its StateDirectory= cannot be made"),
    243: ("CREDENTIALS", "its credentials cannot be read"),
}
_SIGNALS = {
    1: "HUP",
    2: "INT",
    3: "QUIT",
    4: "ILL",
    6: "ABRT",
    7: "BUS",
    8: "FPE",
    9: "KILL",
    11: "SEGV",
    13: "PIPE",
    14: "ALRM",
    15: "TERM",
    31: "SYS",
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


_OK = Verdict(Health.OK)


def judge(state: UnitState, target: TargetState) -> Verdict:
    """Judge a unit whose target is loaded or launched (systemd(1), "Units")."""
    if state.load in _BROKEN and state.at_rest:
        return Verdict(Health.FAILED, _BROKEN[state.load])
    if state.job or state.active in ("deactivating", "reloading", "refreshing", "maintenance"):
        return Verdict(Health.PENDING, _moving(state))
    return _launched(state) if target is TargetState.LAUNCHED else _loaded(state)


def _moving(state: UnitState) -> str:
    if state.job and state.at_rest:
        return "queued: systemd waits for other units first"
    return f"{state.active} ({state.sub})"


def _loaded(state: UnitState) -> Verdict:
    if state.at_rest:
        return _OK
    return Verdict(Health.FAILED, "it runs, but is to be loaded only")


def _launched(state: UnitState) -> Verdict:
    if is_crashing(state):
        return _crashing(state)
    if state.active == "active":
        return _active(state)
    if state.active == "activating":
        return Verdict(Health.PENDING, _moving(state))
    if state.active == "failed":
        return Verdict(Health.FAILED, f"failed: {_cause(state)}")
    return _at_rest(state)


def _active(state: UnitState) -> Verdict:
    if state.settled is not False:
        return _OK
    if state.restarts:
        return _crashing(state)
    return Verdict(Health.PENDING, "has not settled yet")


def is_crashing(state: UnitState) -> bool:
    """Tell whether a unit waits for its next start by systemd, or has just had one of many."""
    return state.sub.startswith("auto-restart") or is_flapping(state)


def is_flapping(state: UnitState) -> bool:
    """Tell whether systemd starts a unit again and again: it is about to, or has just done so."""
    at_it = state.fresh or state.sub.startswith("auto-restart")
    return at_it and state.restarts >= CRASHES


def _crashing(state: UnitState) -> Verdict:
    times = "once" if state.restarts == 1 else f"{state.restarts} times"
    cause = f", last {_cause(state)}" if state.result not in ("", "success") else ""
    if state.restarts < CRASHES:
        return Verdict(Health.PENDING, f"crashed: restarted {times}{cause}")
    return Verdict(Health.FAILED, f"flapping: restarted {times}{cause}")


def _at_rest(state: UnitState) -> Verdict:
    if not state.invocation:
        return Verdict(
            Health.FAILED, "has not run: not started, or a condition in it does not hold"
        )
    if state.result not in ("", "success"):
        return Verdict(Health.FAILED, f"does not run: {_cause(state)}")
    if state.kind == "oneshot":
        return _OK
    return Verdict(Health.FAILED, "ended by itself")


def _cause(state: UnitState) -> str:
    """Say why it ended: the result in systemd's word, then what is known about it."""
    status = state.status
    if state.result == "exit-code" and status in _STATUSES:
        name, words = _STATUSES[status]
        return f"exit-code, status {status}/{name}: {words}"
    if state.result == "exit-code":
        return f"exit-code, status {status}"
    if state.result in ("signal", "core-dump") and status:
        name = f"/SIG{_SIGNALS[status]}" if status in _SIGNALS else ""
        return f"{state.result} {status}{name}"
    words = _RESULTS.get(state.result, "")
    return f"{state.result}: {words}" if words else state.result or "no reason given"

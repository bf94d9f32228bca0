"""Whether a unit can be trusted to a lease: it must surely be gone so many seconds after its end.

Rule 1: what systemd would not kill in the end, or starts where it cannot kill it, has no lease.
Rule 2: what we cannot read here counts as the worst, for the time it takes is waited for before
another copy is started. (A service that asks for more time by EXTEND_TIMEOUT_USEC= breaks its own
word; nothing in its file tells.)
"""

import re
from collections.abc import Iterable

from sshfleet.model.unit import Leasing
from sshfleet.unitfile.syntax import UnitText, shown

STOP_SECONDS = 15.0
"""What a unit without a TimeoutStopSec= of its own is given."""

_SLACK = 10.0  # seconds: SIGKILL, unmounting, a guard that hangs (its TimeoutStartSec=)
_NO = ("no", "n", "false", "f", "off", "0")
_CONTAINERS = r"\b(docker|podman|nerdctl|docker-compose|podman-compose)\b"
_STARTS_ONE = re.compile(_CONTAINERS + r".*\b(run|start|up)\b", re.DOTALL)
_ENDS_ONE = re.compile(_CONTAINERS + r".*\b(rm|stop|kill|down)\b", re.DOTALL)
_STARTING = ("ExecStartPre", "ExecStart", "ExecStartPost", "ExecCondition")
_SPAN = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([A-Za-zµμ]*)\s*")
_UNITS = {
    "us usec µs μs": 1e-6,
    "ms msec": 1e-3,
    " s sec second seconds": 1.0,
    "m min minute minutes": 60.0,
    "h hr hour hours": 3600.0,
    "d day days": 86400.0,
    "w week weeks": 604800.0,
    "M month months": 2629800.0,
    "y year years": 31557600.0,
}
_SECONDS = {word: size for words, size in _UNITS.items() for word in words.split(" ")}


def leasing(name: str, whole: UnitText) -> Leasing:
    """Tell whether a unit, its drop-ins included, can run under a lease."""
    if why := why_not_leased(name, whole):
        return Leasing(why)
    return Leasing("", *stop_seconds(whole))


def why_not_leased(name: str, whole: UnitText) -> str:
    """Say why a unit, its drop-ins included, cannot run under a lease; nothing when it can."""
    if not name.endswith(".service"):
        return "only services can: systemd looks at ExecCondition= of no other unit"
    kill_mode = _last(whole, "KillMode") or "control-group"
    if kill_mode not in ("control-group", "mixed"):
        return f"KillMode={shown(kill_mode)} leaves processes alive when it stops"
    if _last(whole, "SendSIGKILL").lower() in _NO:
        return "SendSIGKILL=no lets it refuse to stop"
    final = _last(whole, "FinalKillSignal")
    if final not in ("", "9", "SIGKILL", "KILL"):
        return f"FinalKillSignal={shown(final)} lets it refuse to stop"
    if (_last(whole, "RefuseManualStop", "Unit").lower() or "no") not in _NO:
        return "RefuseManualStop=yes keeps anybody from stopping it"
    if _last(whole, "TimeoutStopFailureMode") == "abort":
        return "TimeoutStopFailureMode=abort lets it take longer than TimeoutStopSec="
    return _what_stop_lacks(whole) or _what_escapes(whole)


def stop_seconds(whole: UnitText) -> tuple[float, bool]:
    """Return how many seconds a unit may take to stop at the most, and whether its TimeoutStopSec=
    is its own. ValueError for a unit that `why_not_leased` refuses.

    Each command has TimeoutStopSec= for itself; so has the main process after SIGTERM, and when it
    has ended what it left behind, and the same after ExecStopPost= (systemd, service.c).
    """
    own = bool(_last_stop_limit(whole))
    limits = [_seconds(text) for text in _stop_limits(whole)]
    limit = max(limits if own else [STOP_SECONDS, *limits])
    steps = 2 + _commands(whole, "ExecStop") + 2 * _commands(whole, "ExecStopPost")
    return limit * steps + _SLACK, own


def _what_stop_lacks(whole: UnitText) -> str:
    for text in _stop_limits(whole):
        try:
            _seconds(text)
        except ValueError:
            return f"its time to stop, '{shown(text)}', has no end or cannot be read"
    return ""


def _what_escapes(whole: UnitText) -> str:
    starting = [line for key in _STARTING for line in _lines(whole, key)]
    if any(re.search(r"\bsystemd-run\b", line) for line in starting):
        return "systemd-run starts what does not stop with the unit"
    started = next(filter(None, map(_STARTS_ONE.search, starting)), None)
    if started and not any(map(_ENDS_ONE.search, _lines(whole, "ExecStopPost"))):
        program = started[1]
        return f"{program} starts what does not stop with the unit: ExecStopPost={program} rm -f …"
    return ""


def _stop_limits(whole: UnitText) -> Iterable[str]:
    """Return the times that bound a stop: after a watchdog's abort it is TimeoutAbortSec=."""
    return filter(None, (_last_stop_limit(whole), _last(whole, "TimeoutAbortSec")))


def _last_stop_limit(whole: UnitText) -> str:
    """Return TimeoutStopSec=, or the TimeoutSec= that stands after it and sets it, too."""
    for option in reversed(whole.of("Service")):
        if option.name in ("TimeoutStopSec", "TimeoutSec"):
            return option.value.strip()
    return ""


def _last(whole: UnitText, key: str, section: str = "Service") -> str:
    """Return the value that is in effect, nothing when there is none."""
    values = whole.values(section, key)
    return values[-1].strip() if values else ""


def _lines(whole: UnitText, key: str) -> list[str]:
    """Return the lines of a list that an empty one begins anew."""
    lines: list[str] = []
    for value in whole.values("Service", key):
        lines = [*lines, value] if value.strip() else []
    return lines


def _commands(whole: UnitText, key: str) -> int:
    """Count commands; one line may hold several, with ` ; ` between them."""
    return sum(len(line.split(" ; ")) for line in _lines(whole, key))


def _seconds(text: str) -> float:
    """Read a span as systemd.time(7) has it. ValueError when it is none, or has no end."""
    total, at = 0.0, 0
    while at < len(text):
        found = _SPAN.match(text, at)
        if found is None or found[2] not in _SECONDS:
            raise ValueError(text)
        total += float(found[1]) * _SECONDS[found[2]]
        at = found.end()
    if total == 0:
        raise ValueError(text)  # to systemd, that is no limit
    return total

"""A timer and its service for the controller itself: `sshfleet reconcile` again and again.

Rule 1: a word comes out of systemd as it went in: quoting, specifiers and variables are escaped
(systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers"). What cannot be is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sshfleet.errors import UsageError

MARK = "# Written by sshfleet install-timer, which may replace it."
_LONGEST = 1800.0  # seconds beyond --timeout after which a run is surely stuck


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to run each `every` seconds, and at which socket the agent is that it needs.

    `words` are the command line, its program an absolute path. `timeout` in seconds. `user` runs
    it; empty where that needs no telling.
    """

    name: str
    words: tuple[str, ...]
    agent: str
    every: int
    timeout: float = 90.0
    user: str = ""

    @property
    def unit(self) -> str:
        """Return the name of its units, without their ending."""
        return f"sshfleet-{self.name}"


def service_text(job: Job) -> str:
    """Return the service that runs once; raise UsageError for what systemd cannot take."""
    online = "Wants=network-online.target\nAfter=network-online.target\n" if job.user else ""
    user = f"User={job.user}\n" if job.user else ""
    return f"""{MARK}
[Unit]
Description=sshfleet keeps the fleet {job.name} as its journal says
{online}
[Service]
Type=oneshot
ExecStart={command_line(job.words)}
Environment={quoted(_agent(job.agent))}
{user}TimeoutStartSec={int(job.timeout + _LONGEST)}
# Ended calmly, by a signal that systemd sent.
SuccessExitStatus=143
# That it ran is not worth a line each time; what it says is.
SyslogLevel=notice
LogLevelMax=notice
"""


def timer_text(job: Job) -> str:
    """Return the timer that starts the service."""
    return f"""{MARK}
[Unit]
Description=sshfleet keeps the fleet {job.name} as its journal says

[Timer]
OnActiveSec=1
OnUnitActiveSec={job.every}
AccuracySec=1

[Install]
WantedBy=timers.target
"""


def command_line(words: Sequence[str]) -> str:
    """Return words as ExecStart= takes them; raise UsageError."""
    program, *rest = words
    if not _is_safe(program):
        raise UsageError(
            f"systemd runs no program at the path {program!r}",
            hint="install sshfleet at a path without quotes, backslashes and control characters",
        )
    return " ".join([quoted(program), *(quoted(word).replace("$", "$$") for word in rest)])


def quoted(word: str) -> str:
    """Return a word in double quotes with all that systemd reads in it escaped."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"systemd takes no path that is not UTF-8: {word!r}", hint="rename it"
        ) from None
    return '"' + "".join(_escaped(character) for character in word) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character == "%":
        return "%%"
    if character < " " or character == "\x7f":
        return f"\\x{ord(character):02x}"
    return character


def _is_safe(program: str) -> bool:
    return not any(one < " " or one in "\"'\\$\x7f" for one in program)


def _agent(path: str) -> str:
    if any((one < " " and one not in "\t\n") or one == "\x7f" for one in path):
        raise UsageError(
            f"systemd sets no variable to {path!r}", hint="put the agent at a plain path"
        )
    return f"SSH_AUTH_SOCK={path}"

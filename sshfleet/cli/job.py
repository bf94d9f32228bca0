"""What a timer or cron is to run for a fleet.

Rule 1: it holds absolute paths and the options that were given here, whether as words or in the
environment: a timer and cron know nothing of this shell.
"""

import os
import re
import shutil
import sys
from dataclasses import fields
from pathlib import Path

from sshfleet.cli.context import Context
from sshfleet.cli.moments import seconds_in
from sshfleet.cli.settings import Settings
from sshfleet.errors import UsageError
from sshfleet.systemd.timer import Job

_PATHS = ("known_hosts_file", "ssh_config")
_PASSED_ON = (
    *_PATHS, "strict", "ssh_username", "ssh_timeout", "timeout", "forks", "lock_wait",
    "keep_history",
)  # fmt: skip
_CALLED = {"strict": "strict-host-key-checking"}


def job_of(context: Context, every: str, metrics: Path | None, *, own: bool) -> Job:
    """Return the job of a fleet, its user's `own` or the system's; raise UsageError."""
    words = [*_program(), *_global_words(context), "reconcile"]
    words += ["--metrics", _absolute(metrics)] if metrics else []
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    return Job(
        name=fleet_name(context),
        words=tuple(words),
        agent=_absolute(agent) if agent else "",
        every=seconds_in("--every", every),
        timeout=context.settings.timeout,
        user="" if own else login(),
    )


def fleet_name(context: Context) -> str:
    """Return the name of the fleet; raise UsageError when it cannot name a timer."""
    name = context.fleet.name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(
            f"{name!r:.80} cannot name a timer",
            hint="use letters, digits, dot, dash and underscore for the name of the fleet",
        )
    return name


def login() -> str:
    """Return the name of who we are, whatever the environment says."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _program() -> tuple[str, ...]:
    """Return what starts this program from anywhere."""
    said = Path(sys.argv[0])
    found = shutil.which(said)
    if said.name == "__main__.py" or not found:
        return (sys.executable, "-P", "-m", "sshfleet")
    return (_absolute(found),)


def _global_words(context: Context) -> list[str]:
    said, plain = context.settings, Settings()
    words = ["--inventory", _absolute(context.inventory_path)]
    words += ["--journal", _absolute(context.journal_path)]
    for field in fields(Settings):
        value = getattr(said, field.name)
        if field.name in _PASSED_ON and value != getattr(plain, field.name):
            called = _CALLED.get(field.name, field.name.replace("_", "-"))
            words += [f"--{called}", _absolute(value) if field.name in _PATHS else str(value)]
    return words + ["--allow-network-fs"] * said.allow_network_fs


def _absolute(path: Path | str) -> str:
    """Return the absolute path; links in it stay links."""
    return str(Path(path).expanduser().absolute())

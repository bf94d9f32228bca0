"""Fencing: the inventory's command that makes sure that a machine is off."""

import subprocess
from collections.abc import Sequence

from sshfleet.errors import SshfleetError

LONGEST = 60.0  # seconds
_SHOWN = 500  # characters of what it printed


def fence(machine: str, command: Sequence[str]) -> None:
    """Run a machine's fence_command; raise SshfleetError unless it succeeds."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise _failed(
            machine, command, f"it took longer than {LONGEST:.0f} s", late.output
        ) from None
    except OSError as error:
        raise _failed(machine, command, error.strerror or str(error), b"") from None
    if done.returncode:
        raise _failed(machine, command, f"exit status {done.returncode}", done.stdout)


def _failed(machine: str, command: Sequence[str], why: str, output: bytes | None) -> SshfleetError:
    said = " ".join((output or b"").decode("utf-8", "replace").split())[-_SHOWN:]
    return SshfleetError(
        f"the fence_command of {machine} failed ({why}){': ' if said else ''}{said}; "
        "nothing was given up",
        hint=f"try it by hand: {' '.join(command)}",
    )

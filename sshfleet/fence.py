"""Fencing: an inventory's own command that makes sure a machine is off (IPMI, a cloud's API).

Rule 1: only exit status 0 in time is a proof. What hangs, fails or cannot be run proves nothing.
"""

import asyncio
import os
import signal
from contextlib import suppress

from sshfleet.model.machine import Machine

WITHIN = 60.0  # seconds
_WORDS = 400  # bytes of what it says
_TO_END = 5.0  # seconds until what was killed is gone


async def fence(machine: Machine, within: float = WITHIN) -> str:
    """Run the fence_command of a machine; nothing when it is off for sure, else why that is not.

    The command gets no shell and no input; the machine's name and address are in SSHFLEET_MACHINE
    and SSHFLEET_ADDRESS.
    """
    told = {"SSHFLEET_MACHINE": machine.name, "SSHFLEET_ADDRESS": machine.address}
    try:
        process = await asyncio.create_subprocess_exec(
            *machine.fence_command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **told},
            start_new_session=True,
        )
    except OSError as error:
        return f"fence_command cannot be run: {error.strerror or error}"
    try:
        said, _ = await asyncio.wait_for(process.communicate(), within)
    except TimeoutError:
        return f"fence_command did not end within {within:g} s"
    finally:
        await _end(process)
    if process.returncode == 0:
        return ""
    words = said[-_WORDS:].decode("utf-8", "backslashreplace").strip()
    return f"fence_command failed with status {process.returncode}: {words or 'it said nothing'}"


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the command, its children too."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), _TO_END)

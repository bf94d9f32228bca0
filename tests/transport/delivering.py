"""Files to a machine, for tests that are about the files."""

from collections.abc import Mapping

from sshfleet.model.machine import Machine
from sshfleet.model.step import Run
from sshfleet.transport.base import Transport


async def put(transport: Transport, machine: Machine, files: Mapping[str, bytes]) -> str:
    """Deliver files, and return the folder that the script was told of."""
    run = Run(script="cat", root=False)
    return (await transport.deliver(machine, files, run, str.encode)).stdout.decode()

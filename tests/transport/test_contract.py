"""What every transport keeps of `base.Transport`, against a machine whose host key is known."""

from collections.abc import AsyncIterator

import pytest

from sshfleet.model.machine import Machine
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import Transport, TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.server import Server


@pytest.fixture
async def transport(options: SshOptions, server: Server) -> AsyncIterator[Transport]:
    async with SshTransport(options) as ready:
        yield ready


@pytest.fixture
def machine(server: Server) -> Machine:
    return server.machine()


async def test_a_script_gets_its_data_and_gives_status_and_both_outputs(
    transport: Transport, machine: Machine
) -> None:
    run = Run(script="cat; echo wrong >&2; exit 3\n", data=b"in\n\0\xff")
    done = await transport.run(machine, run)
    assert done == Completed(status=3, stdout=b"in\n\0\xff", stderr=b"wrong\n")


async def test_put_writes_the_files_exactly(transport: Transport, machine: Machine) -> None:
    files = {"aa": b"\0\xff\n", "bb": b"", "cc": bytes(range(256)) * 1000}
    folder = await transport.put(machine, files)
    for name, data in files.items():
        done = await transport.run(
            machine, Run(script='read -r f; cat "$f"', data=f"{folder}/{name}\n".encode())
        )
        assert done.stdout == data

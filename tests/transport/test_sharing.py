"""When connections are closed: not before their last user has left, and then early."""

import asyncio
import dataclasses

import pytest

from sshfleet.model.machine import Machine
from sshfleet.model.step import Completed, Run
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.server import Server
from tests.transport.waiting import eventually

HELLO = Run(script="echo hello")
GREETED = Completed(status=0, stdout=b"hello\n", stderr=b"")
LONG = Run(script="echo began; exec sleep 1000")


async def began(server: Server) -> None:
    async def one_runs() -> bool:
        return bool(server.children)

    await eventually(one_runs)


async def reached(transport: SshTransport, machine: Machine) -> Completed:
    return await transport.run(machine, HELLO)


async def test_a_connection_that_is_not_kept_is_closed_when_nobody_uses_it(
    options: SshOptions, server: Server
) -> None:
    machine, brief = server.machine(), dataclasses.replace(options, keep=False)

    async def closed() -> bool:
        return all(one.is_closed() for one in server.connections)

    async with SshTransport(brief) as transport:
        assert (
            await asyncio.gather(*(reached(transport, machine) for _ in range(5))) == [GREETED] * 5
        )
        await eventually(closed)
        assert server.logins == 1
        assert await reached(transport, machine) == GREETED
    assert server.logins == 2


async def test_who_gives_up_first_does_not_close_what_another_uses(
    options: SshOptions, server: Server
) -> None:
    machine, brief = server.machine(), dataclasses.replace(options, keep=False)
    async with SshTransport(brief) as transport:
        longer = asyncio.create_task(transport.run(machine, LONG))
        await began(server)
        assert await reached(transport, machine) == GREETED
        assert not longer.done()
        assert not server.connections[0].is_closed()
        longer.cancel()
    assert server.logins == 1


async def test_with_few_open_files_idle_connections_make_room(
    options: SshOptions, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshfleet.transport.ssh.open_at_once", lambda: 2)
    machines = [server.machine(f"m{number}") for number in range(6)]
    most = 0
    async with SshTransport(options) as transport:
        work = asyncio.gather(*(reached(transport, machine) for machine in machines * 2))
        while not work.done():
            most = max(most, sum(not one.is_closed() for one in server.connections))
            await asyncio.sleep(0)
        assert await work == [GREETED] * 12
        assert [await reached(transport, machine) for machine in machines] == [GREETED] * 6
    assert 1 <= most <= 4  # the server hears of an end a little later
    assert server.logins >= 6 + 4

"""One connection a machine: shared, opened anew when lost, closed in the end."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport import arguments
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.conftest import generate
from tests.transport.delivering import put
from tests.transport.server import Server, serve
from tests.transport.waiting import eventually

HELLO = Run(script="echo hello")
GREETED = Completed(status=0, stdout=b"hello\n", stderr=b"")
LONG = Run(script="echo began; exec sleep 1000")


async def test_all_who_ask_share_one_connection(options: SshOptions, server: Server) -> None:
    machine = server.machine()
    async with SshTransport(options) as transport:
        await asyncio.gather(
            *(transport.run(machine, HELLO) for _ in range(20)),
            put(transport, machine, {"a": b"x"}),
            transport.stream(machine, HELLO, lambda *_: None),
        )
    assert server.logins == 1


async def test_no_machine_is_contacted_before_it_is_needed(
    options: SshOptions, server: Server
) -> None:
    async with SshTransport(options):
        pass
    assert server.connections == []


async def test_one_who_gives_up_does_not_take_the_connection_from_the_others(
    options: SshOptions, server: Server
) -> None:
    machine = server.machine()
    async with SshTransport(options) as transport:
        first = asyncio.create_task(transport.run(machine, HELLO))
        await asyncio.sleep(0)
        second = asyncio.create_task(transport.run(machine, HELLO))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == GREETED
    assert server.logins == 1
    assert first.cancelled()


async def test_a_lost_connection_is_opened_anew_for_the_next_who_asks(
    options: SshOptions, server: Server
) -> None:
    machine = server.machine()
    async with SshTransport(options) as transport:
        await transport.run(machine, HELLO)
        server.connections[0].abort()
        assert await asyncio.wait_for(until_greeted(transport, machine), 10) == GREETED
        assert await transport.run(machine, HELLO) == GREETED
    assert server.logins == 2


async def until_greeted(transport: SshTransport, machine: Machine) -> Completed:
    """Run until the loss has been noticed: a run that is lost itself has no status."""
    while (done := await transport.run(machine, HELLO)).status is None:
        pass
    return done


async def began(server: Server) -> None:
    async def one_runs() -> bool:
        return bool(server.children)

    await eventually(one_runs)


async def test_a_run_whose_connection_is_lost_has_an_unknown_outcome(
    options: SshOptions, server: Server
) -> None:
    async with SshTransport(options) as transport:
        task = asyncio.create_task(transport.run(server.machine(), LONG))
        await began(server)
        server.connections[0].abort()
        assert (await task).status is None


async def test_a_stream_whose_connection_is_lost_ends_with_255(
    options: SshOptions, server: Server
) -> None:
    async with SshTransport(options) as transport:
        seen = asyncio.Event()
        task = asyncio.create_task(transport.stream(server.machine(), LONG, lambda *_: seen.set()))
        await seen.wait()
        server.connections[0].abort()
        assert await task == 255


async def test_a_machine_that_came_up_meanwhile_is_reached(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    async with serve(idle_server):
        known_hosts.write_text(idle_server.known())
    machine = idle_server.machine()
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError, match="refused"):
            await transport.run(machine, HELLO)
        async with serve(idle_server):
            assert await transport.run(machine, HELLO) == GREETED


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Stand between us and a machine; once the event is set nothing gets through any more."""
    cut = asyncio.Event()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if cut.is_set():
                    await asyncio.sleep(3600)
                sink.write(data)

    tasks: list[asyncio.Task[None]] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_machine, to_machine = await asyncio.open_connection("127.0.0.1", port)
        tasks.append(asyncio.create_task(pump(reader, to_machine)))
        tasks.append(asyncio.create_task(pump(from_machine, writer)))
        await asyncio.gather(*tasks[-2:], return_exceptions=True)
        to_machine.transport.abort()
        writer.transport.abort()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1], cut
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_machine_that_falls_silent_in_the_middle_is_noticed(
    options: SshOptions, server: Server, known_hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(arguments.FIXED, "keepalive_interval", 0.1)
    async with wire(server.port) as (port, cut), SshTransport(options) as transport:
        known_hosts.write_text(server.known().replace(str(server.port), str(port)))
        task = asyncio.create_task(transport.run(server.machine(port=port), LONG))
        await began(server)
        cut.set()
        assert (await asyncio.wait_for(task, 10)).status is None


async def test_closing_does_not_wait_for_a_machine_that_fell_silent(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    async with wire(server.port) as (port, cut):
        known_hosts.write_text(server.known().replace(str(server.port), str(port)))
        async with SshTransport(options) as transport:
            task = asyncio.create_task(transport.run(server.machine(port=port), LONG))
            await began(server)
            cut.set()
            started = time.monotonic()
        assert time.monotonic() - started < 3
        assert (await task).status is None


async def test_a_silent_machine_ends_a_run_at_its_deadline(
    options: SshOptions, server: Server, known_hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshfleet.transport.link.PATIENCE", 0.2)
    async with wire(server.port) as (port, cut), SshTransport(options) as transport:
        known_hosts.write_text(server.known().replace(str(server.port), str(port)))
        machine = server.machine(port=port)
        await transport.run(machine, HELLO)
        cut.set()
        with pytest.raises(TransportError, match=r"did not end within 0.5 s") as caught:
            await transport.run(machine, dataclasses.replace(LONG, seconds=0.3))
    assert caught.value.trouble is Trouble.UNMANAGEABLE


async def test_leaving_in_the_middle_of_a_login_leaves_nothing_behind(
    options: SshOptions, server: Server
) -> None:
    async with SshTransport(options) as transport:
        task = asyncio.create_task(transport.run(server.machine(), HELLO))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises((asyncio.CancelledError, TransportError)):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()} | server_tasks()


def server_tasks() -> set["asyncio.Task[object]"]:
    """Return the tasks that belong to the servers of this test."""
    return {task for task in asyncio.all_tasks() if "sshfleet/transport" not in repr(task)}


async def test_a_server_that_allows_one_session_gets_one_at_a_time(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    for early in (False, True):
        async with serve(idle_server, max_sessions=1) as server:
            known_hosts.write_text(server.known())
            machine = server.machine()
            said = dataclasses.replace(options, early_files=early)
            async with SshTransport(said) as transport:
                done = await asyncio.gather(*(transport.run(machine, HELLO) for _ in range(5)))
                folder = await put(transport, machine, {"a": b"x"})
                again = await transport.run(machine, HELLO)
        assert [*done, again] == [GREETED] * 6
        assert (Path(folder) / "a").read_bytes() == b"x"


async def test_a_server_that_allows_no_session_is_unmanageable(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    async with serve(idle_server, max_sessions=0) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        for work in (
            transport.run(server.machine(), HELLO),
            put(transport, server.machine(), {"a": b"x"}),
        ):
            with pytest.raises(TransportError, match="open failed") as caught:
                await work
            assert caught.value.trouble is Trouble.UNMANAGEABLE


async def test_no_more_logins_at_once_than_forks(
    options: SshOptions, home: Path, agent: Path, user_key: asyncssh.SSHKey, known_hosts: Path
) -> None:
    most = 0
    servers = [
        Server(home=home, key=generate(), users=[user_key.convert_to_public()]) for _ in range(6)
    ]

    def half_open() -> int:
        return sum(len(server.connections) - server.logins for server in servers)

    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(serve(server))
        known_hosts.write_text("".join(server.known() for server in servers))
        said = dataclasses.replace(options, forks=2)
        transport = await stack.enter_async_context(SshTransport(said))
        names = (server.machine(f"m{server.port}") for server in servers)
        work = asyncio.gather(*(transport.run(machine, HELLO) for machine in names))
        while not work.done():
            most = max(most, half_open())
            await asyncio.sleep(0)
        assert await work == [GREETED] * 6
    assert 1 <= most <= 2


async def test_a_transport_that_was_not_started_says_so(options: SshOptions) -> None:
    transport = SshTransport(options)
    with pytest.raises(RuntimeError, match="started"):
        await transport.run(Machine(name="x", address="x"), HELLO)  # type: ignore[arg-type]
    await transport.close()


async def test_descriptors_are_given_back(options: SshOptions, server: Server) -> None:
    async def once() -> None:
        async with SshTransport(options) as transport:
            await transport.run(server.machine(), HELLO)
            await put(transport, server.machine(), {"a": b"x"})

    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    await once()
    before = opened()
    for _ in range(3):
        await once()

    async def no_more() -> bool:
        return opened() <= before

    await eventually(no_more)

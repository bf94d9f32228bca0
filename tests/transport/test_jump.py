"""Jump hosts: the same rules as for machines, one connection for all behind them."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport import opinion
from sshfleet.transport.base import TransportError
from sshfleet.transport.links import THROUGH_ONE_HOP
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.conftest import generate
from tests.transport.delivering import put
from tests.transport.server import Server, public, serve

HELLO = Run(script="echo hello")
GREETED = Completed(status=0, stdout=b"hello\n", stderr=b"")


@pytest.fixture
async def hop(server: Server, known_hosts: Path) -> AsyncIterator[Server]:
    jump = Server(home=server.home, key=generate(), users=list(server.users))
    async with serve(jump):
        with known_hosts.open("a") as file:
            file.write(jump.known())
        yield jump


def through(hop: Server) -> str:
    return f"core@127.0.0.1:{hop.port}"


async def test_a_machine_is_reached_through_its_jump_host(
    options: SshOptions, server: Server, hop: Server
) -> None:
    async with SshTransport(options) as transport:
        machine = server.machine(proxy_jump=through(hop))
        assert await transport.run(machine, HELLO) == GREETED
        folder = await put(transport, machine, {"a": b"x"})
    assert (Path(folder) / "a").read_bytes() == b"x"
    assert (hop.logins, server.logins) == (1, 1)
    assert hop.commands == []


async def test_the_jump_host_of_ssh_config_is_honoured_and_none_switches_it_off(
    options: SshOptions, server: Server, hop: Server
) -> None:
    Path(options.ssh_config).write_text(f"Host web\nHostName 127.0.0.1\nProxyJump {through(hop)}\n")
    direct = server.machine("direct", address="web", proxy_jump="none")
    async with SshTransport(options) as transport:
        assert await transport.run(direct, HELLO) == GREETED
        assert hop.logins == 0
        assert await transport.run(server.machine(address="web"), HELLO) == GREETED
        assert hop.logins == 1


@pytest.mark.row("A15")
async def test_many_machines_share_one_jump_host_a_few_logins_at_a_time(
    options: SshOptions, server: Server, hop: Server
) -> None:
    machines = [server.machine(f"m{n}", proxy_jump=through(hop)) for n in range(20)]
    most = 0
    said = dataclasses.replace(options, forks=50)
    async with SshTransport(said) as transport:
        work = asyncio.gather(*(transport.run(machine, HELLO) for machine in machines))
        while not work.done():
            most = max(most, len(server.connections) - server.logins)
            await asyncio.sleep(0)
        assert await work == [GREETED] * 20
    assert hop.logins == 1
    assert 1 <= most <= THROUGH_ONE_HOP


async def test_one_login_at_a_time_is_enough_for_a_jump_host_and_what_is_behind(
    options: SshOptions, server: Server, hop: Server
) -> None:
    async with SshTransport(dataclasses.replace(options, forks=1)) as transport:
        assert await transport.run(server.machine(proxy_jump=through(hop)), HELLO) == GREETED


async def test_jump_hosts_can_be_a_chain(
    options: SshOptions, server: Server, hop: Server, known_hosts: Path
) -> None:
    inner = Server(home=server.home, key=generate(), users=list(server.users))
    async with serve(inner), SshTransport(options) as transport:
        with known_hosts.open("a") as file:
            file.write(inner.known())
        machine = server.machine(proxy_jump=f"{through(hop)},{through(inner)}")
        assert await transport.run(machine, HELLO) == GREETED
        peers = [one.connections[0].get_extra_info("peername") for one in (inner, server)]
    assert (hop.logins, inner.logins, server.logins) == (1, 1, 1)
    assert len(set(peers)) == 2


async def test_a_jump_host_that_says_it_is_behind_itself_is_reached_directly(
    options: SshOptions, server: Server, hop: Server
) -> None:
    Path(options.ssh_config).write_text(
        f"Host bastion other\nHostName 127.0.0.1\nPort {hop.port}\nUser core\n"
        "Host *\nProxyJump other,bastion\n"
    )
    async with SshTransport(options) as transport:
        assert await transport.run(server.machine(), HELLO) == GREETED
    assert hop.logins == 2  # once by each of its names


async def test_the_host_key_of_a_jump_host_counts_like_any_other(
    options: SshOptions, server: Server, hop: Server, known_hosts: Path
) -> None:
    other = public(generate())
    for line, word in (("", "unknown"), (f"[127.0.0.1]:{hop.port} {other}\n", "changed")):
        known_hosts.write_text(server.known() + line)
        async with SshTransport(options) as transport:
            with pytest.raises(TransportError, match=f"jump host .* of one: .*{word}") as caught:
                await transport.run(server.machine(proxy_jump=through(hop)), HELLO)
        assert caught.value.trouble is Trouble.HOST_KEY
    assert (hop.logins, server.connections) == (0, [])


async def test_the_pin_of_a_machine_is_not_that_of_its_jump_host(
    options: SshOptions, server: Server, hop: Server, known_hosts: Path
) -> None:
    known_hosts.write_text(hop.known())
    machine = server.machine(proxy_jump=through(hop), host_key=public(server.key))
    async with SshTransport(options) as transport:
        assert await transport.run(machine, HELLO) == GREETED


async def test_a_dead_jump_host_says_nothing_of_the_machines_behind_it(
    options: SshOptions, server: Server, hop: Server
) -> None:
    with contextlib.closing(await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)) as s:
        port = s.sockets[0].getsockname()[1]
    machine = server.machine(proxy_jump=f"core@127.0.0.1:{port}")
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError, match=r"jump host .* connection refused") as caught:
            await transport.run(machine, HELLO)
        assert caught.value.trouble is Trouble.UNMANAGEABLE
        assert await transport.run(server.machine("two"), HELLO) == GREETED


async def test_a_jump_host_that_refuses_our_keys_is_an_auth_trouble(
    options: SshOptions, server: Server, hop: Server
) -> None:
    hop.users = []
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError, match="jump host") as caught:
            await transport.run(server.machine(proxy_jump=through(hop)), HELLO)
    assert caught.value.trouble is Trouble.AUTH


@pytest.mark.parametrize(
    ("reason", "trouble"),
    [
        ("Connection timed out", Trouble.SILENT),
        ("No route to host", Trouble.SILENT),
        ("Connection refused", Trouble.NO_SSHD),
        ("open failed: administratively prohibited", Trouble.UNMANAGEABLE),
        ("Name or service not known\n\x1b[2J", Trouble.UNMANAGEABLE),
    ],
)
async def test_what_a_jump_host_says_of_a_machine_is_read(
    options: SshOptions,
    server: Server,
    hop: Server,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    trouble: Trouble,
) -> None:
    async def refuse(*_: object) -> None:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, reason)

    monkeypatch.setattr(asyncssh.SSHServerConnection, "forward_connection", refuse)
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError) as caught:
            await transport.run(server.machine(proxy_jump=through(hop)), HELLO)
    assert caught.value.trouble is trouble
    assert "\n" not in caught.value.message


async def test_a_lost_jump_host_is_connected_to_anew(
    options: SshOptions, server: Server, hop: Server
) -> None:
    machine = server.machine(proxy_jump=through(hop))
    async with SshTransport(options) as transport:
        await transport.run(machine, HELLO)
        hop.connections[0].abort()
        while (done := await transport.run(machine, HELLO)).status is None:
            pass
        assert done == GREETED
    assert (hop.logins, server.logins) == (2, 2)


async def never() -> None:
    await asyncio.sleep(3600)


async def test_a_machine_that_says_nothing_to_its_jump_host_is_silent(
    options: SshOptions, server: Server, hop: Server
) -> None:
    hop.forwards = lambda host, _port: never() if host == "127.0.0.1" else False
    async with SshTransport(dataclasses.replace(options, timeout=2)) as transport:
        with pytest.raises(TransportError, match="no answer within 2 s") as caught:
            await transport.run(server.machine(proxy_jump=through(hop)), HELLO)
    assert caught.value.trouble is Trouble.SILENT
    assert hop.commands == []


async def test_a_jump_host_that_falls_silent_says_nothing_of_the_machines_behind_it(
    options: SshOptions, server: Server, hop: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinion, "AFTERWARDS", 0.2)
    hop.forwards = lambda _host, _port: never()
    async with SshTransport(dataclasses.replace(options, timeout=2)) as transport:
        with pytest.raises(TransportError, match=r"jump host .* does not answer") as caught:
            await transport.run(server.machine(proxy_jump=through(hop)), HELLO)
    assert caught.value.trouble is Trouble.UNMANAGEABLE

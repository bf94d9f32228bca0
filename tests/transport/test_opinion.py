"""What one machine says of another that we cannot reach; how OpenSSH words it, tests/lab looks."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sshfleet.model.machine import Become, Machine, MachineName
from sshfleet.transport import opinion, ssh
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.conftest import generate
from tests.transport.server import Server, serve
from tests.transport.waiting import eventually

FAILED = asyncssh.OPEN_CONNECT_FAILED
PROHIBITED = asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
TARGET = Machine(
    name=MachineName("away"), address="192.0.2.1", port=22, user="core", become=Become.NONE
)


@pytest.fixture
async def transport(options: SshOptions, server: Server) -> AsyncIterator[SshTransport]:
    async with SshTransport(options) as ready:
        yield ready


def says(code: int, reason: str) -> Any:
    def forward(host: str, port: int) -> None:
        assert (host, port) == ("192.0.2.1", 22)
        raise asyncssh.ChannelOpenError(code, reason)

    return forward


@pytest.mark.parametrize(
    ("code", "reason", "opinion_of_it"),
    [
        (FAILED, "Connection refused", True),
        (FAILED, "Connection reset by peer", True),
        (FAILED, "Connection timed out", False),
        (FAILED, "No route to host", False),
        (FAILED, "Host is down", False),
        (FAILED, "Network is unreachable", None),
        (FAILED, "open failed", None),
        (FAILED, "unknown host (Name or service not known)", None),
        (PROHIBITED, "open failed", None),
        (PROHIBITED, "Connection refused", None),
    ],
)
async def test_what_sshd_says_of_another_machine_is_life_silence_or_no_opinion(
    transport: SshTransport, server: Server, code: int, reason: str, opinion_of_it: bool | None
) -> None:
    server.forwards = says(code, reason)
    assert await transport.reaches(server.machine(), TARGET) is opinion_of_it


async def test_a_machine_that_takes_the_connection_lives_and_is_let_go_at_once(
    transport: SshTransport, server: Server
) -> None:
    taken: list[asyncio.StreamReader] = []

    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        taken.append(reader)
        assert await reader.read() == b""
        _writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]

        async def forward() -> Any:
            return await server.connections[0].forward_connection("127.0.0.1", port)

        server.forwards = lambda _host, _port: forward()
        assert await transport.reaches(server.machine(), TARGET) is True

        async def all_ended() -> bool:
            return bool(taken) and all(reader.at_eof() for reader in taken)

        await eventually(all_ended)
    assert server.logins == 1


async def never() -> None:
    await asyncio.sleep(3600)


def never_opens_it(host: str, _port: int) -> Any:
    return never() if host == TARGET.address else False


async def test_no_word_of_it_within_the_time_is_silence_as_long_as_the_other_answers_us(
    transport: SshTransport, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinion, "PATIENCE", 0.2)
    monkeypatch.setattr(opinion, "AFTERWARDS", 60)
    monkeypatch.setattr(ssh, "OPINION", 120)
    server.forwards = never_opens_it
    assert await transport.reaches(server.machine(), TARGET) is False
    assert server.commands == []


async def test_one_that_says_nothing_itself_has_no_opinion(
    transport: SshTransport, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinion, "PATIENCE", 0.2)
    monkeypatch.setattr(opinion, "AFTERWARDS", 0.2)
    server.forwards = lambda _host, _port: never()
    assert await transport.reaches(server.machine(), TARGET) is None


async def test_one_that_cannot_be_reached_has_no_opinion(
    transport: SshTransport, server: Server
) -> None:
    closed = server.machine("closed", port=1)
    assert await transport.reaches(closed, TARGET) is None


async def test_an_address_of_this_computer_means_another_one_there(
    transport: SshTransport, server: Server
) -> None:
    server.forwards = says(FAILED, "Connection refused")
    assert await transport.reaches(server.machine(), server.machine("two", port=1)) is None
    assert server.connections == []


async def test_a_name_nobody_knows_is_no_opinion(transport: SshTransport, server: Server) -> None:
    nowhere = server.machine("nowhere", address="nowhere.invalid")
    assert await transport.reaches(server.machine(), nowhere) is None


async def test_an_opinion_is_given_within_its_time_whatever_happens(
    options: SshOptions, agent: Path, home: Path, user_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "OPINION", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        mute = Server(home=home, key=generate(), users=[], port=port).machine()
        async with SshTransport(options) as transport:
            begun = time.monotonic()
            assert await transport.reaches(mute, TARGET) is None
            assert time.monotonic() - begun < options.timeout


async def test_a_lost_connection_is_no_opinion(transport: SshTransport, server: Server) -> None:
    def lose(_host: str, _port: int) -> bool:
        server.connections[0].abort()
        return False

    server.forwards = lose
    assert await transport.reaches(server.machine(), TARGET) is None


async def test_behind_a_jump_host_the_name_goes_to_the_other_machine_as_it_is(
    transport: SshTransport, server: Server
) -> None:
    asked: list[tuple[str, int]] = []

    def forward(host: str, port: int) -> None:
        asked.append((host, port))
        raise asyncssh.ChannelOpenError(FAILED, "Connection refused")

    server.forwards = forward
    behind = server.machine("b", address="inside", port=2222, proxy_jump="jump.example")
    assert await transport.reaches(server.machine(), behind) is True
    assert asked == [("inside", 2222)]


async def test_many_questions_share_one_connection(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        server.forwards = says(FAILED, "No route to host")
        via = server.machine()
        said = await asyncio.gather(*(transport.reaches(via, TARGET) for _ in range(10)))
    assert said == [False] * 10
    assert server.logins == 1

"""The ssh-agent: checked before any machine is contacted, asked for its keys once."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sshfleet.errors import ExitCode, NoUsableKey
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Run
from sshfleet.transport import agent as agent_module
from sshfleet.transport.agent import open_agent
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.server import Server
from tests.transport.waiting import eventually

LIST_KEYS, SIGN = 11, 13


async def refused(options: SshOptions) -> NoUsableKey:
    with pytest.raises(NoUsableKey) as caught:
        async with SshTransport(options):
            pass
    assert caught.value.exit_code == ExitCode.NO_KEY
    assert caught.value.hint
    return caught.value


async def test_without_a_socket_named_the_hint_tells_of_cron(
    options: SshOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK")
    error = await refused(options)
    assert "SSH_AUTH_SOCK is not set" in error.message
    assert "cron" in error.hint


async def test_a_socket_that_is_not_there_is_named(options: SshOptions, home: Path) -> None:
    error = await refused(options)
    assert str(home / "no-agent.socket") in error.message


async def test_a_socket_nobody_listens_on_is_a_missing_agent(
    options: SshOptions, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home / "dead"))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "dead"))
    assert "Connection refused" in (await refused(options)).message


async def test_an_agent_without_a_key_asks_for_ssh_add(options: SshOptions, agent: Path) -> None:
    subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True)  # noqa: ASYNC221
    error = await refused(options)
    assert "no key" in error.message
    assert "ssh-add" in error.hint


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n", b"\0\0\0\1\5", b""])
async def test_something_else_at_the_socket_is_told_from_an_agent(
    options: SshOptions, home: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "other"))
    async with await asyncio.start_unix_server(say, str(home / "other")):
        assert str(home / "other") in (await refused(options)).message


async def test_a_silent_agent_is_given_up_after_its_patience(
    options: SshOptions, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "PATIENCE", 0.2)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "silent"))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(home / "silent"))
        silent.listen()
        assert "does not answer" in (await refused(options)).message


@asynccontextmanager
async def listening_in(
    agent: Path, hold: int = 0, wait: asyncio.Event | None = None
) -> AsyncIterator[list[int]]:
    """Stand between us and the agent; tell each request's kind, and never pass on those held.

    Signatures wait for an event.
    """
    asked: list[int] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_agent, to_agent = await asyncio.open_unix_connection(str(agent))
        try:
            while True:
                size = await reader.readexactly(4)
                request = await reader.readexactly(int.from_bytes(size, "big"))
                asked.append(request[0])
                if request[0] == hold:
                    continue
                if wait and request[0] == SIGN:
                    await wait.wait()
                to_agent.write(size + request)
                size = await from_agent.readexactly(4)
                writer.write(size + await from_agent.readexactly(int.from_bytes(size, "big")))
        except asyncio.IncompleteReadError:
            pass
        finally:
            to_agent.close()
            writer.close()

    path = str(agent.with_name("relay"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSH_AUTH_SOCK", path)
        async with await asyncio.start_unix_server(relay, path):
            yield asked


async def test_the_keys_are_listed_once_for_many_machines(
    options: SshOptions, server: Server, agent: Path
) -> None:
    async with listening_in(agent) as asked, SshTransport(options) as transport:
        machines = [server.machine(f"m{number}") for number in range(12)]
        hello = Run(script="true")
        done = await asyncio.gather(*(transport.run(one, hello) for one in machines))
    assert [one.status for one in done] == [0] * 12
    assert asked == [LIST_KEYS] + [SIGN] * 12


async def test_an_agent_that_hangs_while_signing_is_a_fault_here(
    options: SshOptions, server: Server, agent: Path
) -> None:
    quick = SshOptions(
        known_hosts_file=options.known_hosts_file, ssh_config=options.ssh_config, timeout=0.7
    )
    async with listening_in(agent, hold=SIGN), SshTransport(quick) as transport:
        with pytest.raises(TransportError, match="ssh-agent") as caught:
            await transport.run(server.machine(), Run(script="true"))
    assert caught.value.trouble is Trouble.FAULT_HERE


async def test_an_agent_that_lost_its_key_is_a_fault_here_not_of_the_machine(
    options: SshOptions, server: Server
) -> None:
    async with SshTransport(options) as transport:
        subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True)  # noqa: ASYNC221
        with pytest.raises(TransportError, match="did not sign") as caught:
            await transport.run(server.machine(), Run(script="true"))
    assert caught.value.trouble is Trouble.FAULT_HERE


async def test_a_signature_given_up_does_not_reach_the_next_who_asks(agent: Path) -> None:
    go_on = asyncio.Event()
    async with listening_in(agent, wait=go_on) as asked:
        found = await open_agent()
        blob = found.keys[0].public_data
        given_up = asyncio.create_task(found.sign(blob, b"one"))

        async def is_asked() -> bool:
            return SIGN in asked

        await eventually(is_asked)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        go_on.set()
        again = await found.sign(blob, b"two")
        assert again == await found.sign(blob, b"two")
        assert again != await found.sign(blob, b"one")
        await found.shut()

"""Machines that cannot be reached, each told apart and within the deadline."""

import asyncio
import dataclasses
import errno
import resource
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from sshfleet.model.machine import Become, Machine, MachineName
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Run
from sshfleet.transport import dial, login
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.resolve import Route
from sshfleet.transport.ssh import SshTransport
from sshfleet.transport.trouble import Progress, Stage, login_trouble
from tests.transport.server import Server

HELLO = Run(script="true")
QUICK = 0.7
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


def machine(port: int, address: str = "127.0.0.1") -> Machine:
    return Machine(
        name=MachineName("web"), address=address, port=port, user="core", become=Become.NONE
    )


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    """Have something that is no SSH server at a port."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await talk(reader, writer)  # type: ignore[misc]
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def trouble(options: SshOptions, at: Machine, seconds: float = QUICK) -> TransportError:
    quick = dataclasses.replace(options, timeout=seconds)
    async with SshTransport(quick) as transport:
        started = time.monotonic()
        with pytest.raises(TransportError) as caught:
            await transport.run(at, HELLO)
        assert time.monotonic() - started < seconds + 1
    assert "\n" not in caught.value.message
    return caught.value


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


def say(text: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        await asyncio.sleep(60)

    return talk


async def say_forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 100 + b"\r\n")
        await writer.drain()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"SSH-2.0-" + b"x" * 200:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def test_a_closed_port_means_no_sshd(options: SshOptions, agent: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = await trouble(options, machine(port))
    assert error.trouble is Trouble.NO_SSHD
    assert error.message == f"connection refused: no sshd on port {port}"


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let each name have these addresses."""
    real = socket.getaddrinfo

    def found(host: str, *_: object, flags: int = 0, **__: object) -> object:
        if flags:
            return real(host, 1, flags=flags)
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, "", address) for address in where]

    where = [(host, int(port)) for host, port in (one.split(":") for one in addresses)]
    monkeypatch.setattr(socket, "getaddrinfo", found)


async def test_a_name_with_two_addresses_and_no_sshd_is_told_as_well(
    options: SshOptions, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1:1", "127.0.0.2:1")
    assert (await trouble(options, machine(1, "two.test"))).trouble is Trouble.NO_SSHD


@contextmanager
def silence() -> Iterator[int]:
    """Give a port where nothing is answered: the queue of its listener is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        port = listener.getsockname()[1]
        for _ in range(3):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port


async def test_a_host_that_answers_nothing_is_silent(options: SshOptions, agent: Path) -> None:
    with silence() as port:
        error = await trouble(options, machine(port))
    assert error.trouble is Trouble.SILENT
    assert error.message == "no answer within 0.7 s"


async def test_one_dead_address_does_not_hide_the_other(
    options: SshOptions, server: Server, known_hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silence() as port:
        resolve_to(monkeypatch, f"127.0.0.1:{port}", f"127.0.0.1:{server.port}")
        known_hosts.write_text(server.known().replace("127.0.0.1", "two.test"))
        async with SshTransport(dataclasses.replace(options, timeout=2)) as transport:
            done = await transport.run(server.machine(address="two.test"), HELLO)
    assert done.status == 0


async def test_an_address_that_refuses_tells_more_than_one_that_is_silent(
    options: SshOptions, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silence() as port:
        resolve_to(monkeypatch, "127.0.0.1:1", f"127.0.0.1:{port}")
        error = await trouble(options, machine(1, "two.test"))
    assert error.trouble is Trouble.NO_SSHD


async def test_a_host_that_is_silent_by_one_family_is_silent_without_the_other_here(
    options: SshOptions, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = dial._connected

    async def without_ipv6(address: dial.Address) -> socket.socket:
        if address[1][0] == "127.0.0.6":
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return await connected(address)

    monkeypatch.setattr(dial, "_connected", without_ipv6)
    with silence() as port:
        resolve_to(monkeypatch, "127.0.0.6:1", f"127.0.0.1:{port}")
        error = await trouble(options, machine(1, "two.test"))
    assert error.trouble is Trouble.SILENT


@pytest.mark.parametrize(
    ("number", "stage", "expected"),
    [
        (errno.EHOSTUNREACH, Stage.DIALING, Trouble.SILENT),
        (errno.ETIMEDOUT, Stage.DIALING, Trouble.SILENT),
        (errno.ETIMEDOUT, Stage.GREETING, Trouble.HUNG),
        (errno.EHOSTUNREACH, Stage.AUTHENTICATING, Trouble.HUNG),
        (errno.ECONNREFUSED, Stage.DIALING, Trouble.NO_SSHD),
        (errno.ECONNRESET, Stage.DIALING, Trouble.THROTTLED),
        (errno.ECONNRESET, Stage.GREETING, Trouble.THROTTLED),
        (errno.EPIPE, Stage.GREETING, Trouble.THROTTLED),
        (errno.ENETUNREACH, Stage.DIALING, Trouble.FAULT_HERE),
        (errno.EACCES, Stage.DIALING, Trouble.FAULT_HERE),
        (errno.EINVAL, Stage.DIALING, Trouble.FAULT_HERE),  # a blackhole route of ours
    ],
)
def test_what_the_kernel_says_at_each_stage(number: int, stage: Stage, expected: Trouble) -> None:
    route = Route(name="web", host="web.test", port=22, user="core")
    at = Progress(route=route, seconds=10, held=1, stage=stage)
    assert login_trouble(OSError(number, "x"), at).trouble is expected


async def test_a_resolver_that_hangs_is_a_fault_here(
    options: SshOptions, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    async with SshTransport(dataclasses.replace(options, timeout=0.3)) as transport:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hang)
        with pytest.raises(TransportError, match="resolver") as caught:
            await transport.run(machine(22, "slow.test"), HELLO)
    assert caught.value.trouble is Trouble.FAULT_HERE


@pytest.mark.parametrize("talk", [say_nothing, drip, say(b"SSH-2.0-x\r\n")])
async def test_a_port_that_is_open_but_says_too_little_is_hung(
    options: SshOptions, agent: Path, talk: Talk
) -> None:
    async with listening(talk) as port:
        error = await trouble(options, machine(port))
    assert error.trouble is Trouble.HUNG
    assert "within 0.7 s" in error.message


@pytest.mark.parametrize(
    "talk",
    [
        say_forever,
        say(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2000),
        say(b"SSH-1.5-old\r\n"),
        say(b"SSH-2.0-\xff\xfe\x1b[2J\r\n"),
        say(b"SSH-2.0-x\r\n" + b"\x7f\xff\xff\xff" + b"\0" * 60),
        say(bytes(range(256)) * 2000),
    ],
)
async def test_something_else_at_the_port_does_not_speak_ssh(
    options: SshOptions, agent: Path, talk: Talk
) -> None:
    async with listening(talk) as port:
        error = await trouble(options, machine(port), 10)
    assert error.trouble is Trouble.NO_SSHD
    assert f"port {port} does not speak SSH" in error.message
    assert len(error.message) < 300


def reset(counted: list[int]) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counted.append(1)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return talk


def close(counted: list[int]) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counted.append(1)
        writer.close()

    return talk


@pytest.mark.parametrize("talk", [reset, close])
async def test_a_connection_closed_before_the_key_exchange_is_throttled_and_tried_again(
    options: SshOptions,
    agent: Path,
    monkeypatch: pytest.MonkeyPatch,
    talk: Callable[[list[int]], Talk],
) -> None:
    monkeypatch.setattr(login, "PAUSE", (0.01, 0.02))
    counted: list[int] = []
    async with listening(talk(counted)) as port:
        error = await trouble(options, machine(port), 5)
    assert error.trouble is Trouble.THROTTLED
    assert "MaxStartups" in error.hint
    assert len(counted) == 1 + login.RETRIES


async def test_a_name_nobody_knows_is_a_fault_here(
    options: SshOptions, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = await trouble(options, machine(22, "nowhere.test"))
    assert error.trouble is Trouble.FAULT_HERE
    assert "nowhere.test" in error.message


async def test_a_user_name_that_ssh_cannot_carry_is_an_error_of_that_machine(
    options: SshOptions, server: Server
) -> None:
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError, match="login") as caught:
            await transport.run(server.machine(user="a\u200eb"), HELLO)
    assert caught.value.trouble is Trouble.UNMANAGEABLE


async def test_too_many_open_files_are_a_fault_here(options: SshOptions, server: Server) -> None:
    async with SshTransport(options) as transport:
        await transport.run(server.machine(), HELLO)
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(TransportError, match="Too many open files") as caught:
                await transport.run(server.machine("two"), HELLO)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    assert caught.value.trouble is Trouble.FAULT_HERE
    assert "ulimit" in caught.value.hint

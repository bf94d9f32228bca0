"""What asyncssh is made to do beside its documentation: a new version has to pass these."""

import subprocess
from pathlib import Path

import asyncssh
import pytest

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.conftest import add_key, generate
from tests.transport.server import Server, serve
from tests.transport.waiting import eventually


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages that servers in this process have received, in their order."""
    messages: list[str] = []
    receive = asyncssh.SSHServerConnection.log_received_packet

    def note(self: asyncssh.SSHServerConnection, pkttype: int, *rest: object) -> None:
        if pkttype in NAMES:
            messages.append(NAMES[pkttype])
        receive(self, pkttype, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncssh.SSHServerConnection, "log_received_packet", note)
    return messages


NAMES = {1: "disconnect", 2: "ignore", 5: "service", 20: "kexinit", 21: "newkeys", 50: "login"}


async def test_one_key_logs_in_by_one_request_and_nothing_is_sent_to_be_ignored(
    transport: SshTransport, machine: Machine, server: Server, sent: list[str]
) -> None:
    await transport.run(machine, Run(script=":"))
    assert sent[:4] == ["kexinit", "newkeys", "service", "login"]
    assert (sent.count("login"), sent.count("ignore")) == (1, 0)
    assert server.asked_about_keys == 1  # with the signature


async def test_a_connection_says_goodbye(
    options: SshOptions, server: Server, sent: list[str]
) -> None:
    async with SshTransport(options) as transport:
        await transport.run(server.machine(), Run(script=":"))

    async def told() -> bool:
        return sent[-1] == "disconnect"

    await eventually(told)


async def test_of_several_keys_none_signs_unasked(
    options: SshOptions, server: Server, home: Path, sent: list[str]
) -> None:
    add(home, "other")
    async with SshTransport(options) as transport:
        await transport.run(server.machine(), Run(script=":"))
    # Would the first one do? Then it signs.
    assert sent.count("login") == server.asked_about_keys == 2


async def test_a_key_that_was_refused_is_not_offered_again(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path
) -> None:
    idle_server.users = [generate().convert_to_public()]
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError) as caught:
            await transport.run(server.machine(), Run(script=":"))
    assert caught.value.trouble is Trouble.AUTH
    assert server.asked_about_keys == 1


async def test_a_key_whose_signature_depends_on_the_server_is_asked_for(
    options: SshOptions, idle_server: Server, agent: Path, known_hosts: Path, home: Path
) -> None:
    forget_keys()
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    key.write_private_key(home / "rsa")
    (home / "rsa").chmod(0o600)
    add_key(home / "rsa")
    idle_server.users = [key.convert_to_public()]
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        assert (await transport.run(server.machine(), Run(script=":"))).status == 0
    assert server.asked_about_keys == 2


def forget_keys() -> None:
    subprocess.run(["ssh-add", "-q", "-D"], check=True)


def add(home: Path, name: str) -> None:
    generate().write_private_key(home / name)
    (home / name).chmod(0o600)
    add_key(home / name)

"""A real ssh-agent with one key, and a machine that accepts it."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import pytest

from sshfleet.model.machine import Machine
from sshfleet.transport.base import Transport
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.server import Server, serve


def generate() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def user_key(home: Path) -> asyncssh.SSHKey:
    key = generate()
    key.write_private_key(home / "user_key")
    (home / "user_key").chmod(0o600)
    key.write_public_key(home / "user_key.pub")
    return key


@pytest.fixture
def agent(home: Path, user_key: asyncssh.SSHKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    socket = home / "agent.socket"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout
        daemon.stdout.readline()
        add_key(home / "user_key")
        yield socket
        daemon.terminate()


def add_key(path: Path) -> None:
    subprocess.run(["ssh-add", "-q", str(path)], check=True, capture_output=True)


@pytest.fixture
def known_hosts(home: Path) -> Path:
    return home / "known_hosts"


@pytest.fixture
def options(home: Path, known_hosts: Path) -> SshOptions:
    config = home / "ssh_config"
    config.touch()
    return SshOptions(known_hosts_file=str(known_hosts), ssh_config=str(config), timeout=5.0)


@pytest.fixture
def idle_server(home: Path, user_key: asyncssh.SSHKey) -> Server:
    folder = home / "machine"
    folder.mkdir()
    return Server(home=folder, key=generate(), users=[user_key.convert_to_public()])


@pytest.fixture
async def server(idle_server: Server, agent: Path, known_hosts: Path) -> AsyncIterator[Server]:
    async with serve(idle_server) as running:
        known_hosts.write_text(running.known())
        yield running


@pytest.fixture
async def transport(options: SshOptions, server: Server) -> AsyncIterator[Transport]:
    async with SshTransport(options) as ready:
        yield ready


@pytest.fixture
def machine(server: Server) -> Machine:
    return server.machine()

"""Which keys are offered: IdentityFile and IdentitiesOnly over the agent's keys, never too many."""

import sys
from pathlib import Path

import asyncssh
import pytest

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.conftest import add_key, generate
from tests.transport.server import Server, serve

HELLO = Run(script="true")


def add_keys(home: Path, count: int) -> None:
    """Put keys nobody accepts into the agent."""
    for number in range(count):
        path = home / f"other{number}"
        generate().write_private_key(path)
        path.chmod(0o600)
        add_key(path)


def configure(options: SshOptions, text: str) -> None:
    Path(options.ssh_config).write_text(text)


SPIES: list[list[str]] = []


def spy_on_open(opened: list[str]) -> None:
    """Note the name of every file this process opens from now on."""
    if not SPIES:
        sys.addaudithook(_note)
    SPIES.append(opened)


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and SPIES:
        for opened in SPIES:
            opened.append(str(arguments[0]))


@pytest.fixture
def last(home: Path, agent: Path, idle_server: Server) -> Path:
    """Let the server accept only a key that is the ninth of the agent."""
    add_keys(home, 7)
    path = home / "last"
    key = generate()
    key.write_private_key(path)
    path.chmod(0o600)
    key.write_public_key(home / "last.pub")
    add_key(path)
    idle_server.users = [key.convert_to_public()]
    return path


async def test_more_keys_than_a_server_takes_do_not_lock_us_out(
    options: SshOptions, idle_server: Server, last: Path, known_hosts: Path
) -> None:
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError, match="gave up after 6 keys") as caught:
            await transport.run(server.machine(), HELLO)
    assert server.refused_keys == 6
    assert caught.value.trouble is Trouble.AUTH
    assert "IdentitiesOnly" in caught.value.hint


@pytest.mark.parametrize("end", ["", ".pub"])
@pytest.mark.parametrize("only", ["yes", "no"])
async def test_an_identity_file_goes_first(
    options: SshOptions, idle_server: Server, last: Path, known_hosts: Path, end: str, only: str
) -> None:
    configure(
        options, f"IdentityFile %d/nothing\nIdentityFile {last}{end}\nIdentitiesOnly {only}\n"
    )
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        assert (await transport.run(server.machine(), HELLO)).status == 0
    assert server.refused_keys == 0


async def test_with_identities_only_no_other_key_is_offered(
    options: SshOptions, server: Server, home: Path
) -> None:
    configure(options, f"IdentityFile {home}/nothing\nIdentitiesOnly yes\n")
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError, match="IdentityFile") as caught:
            await transport.run(server.machine(), HELLO)
    assert caught.value.trouble is Trouble.AUTH
    assert server.refused_keys == 0


async def test_no_private_key_is_read(
    options: SshOptions, server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / ".ssh"
    folder.mkdir()
    for name in ("id_ed25519", "id_rsa", "config", "known_hosts"):
        (folder / name).write_text("never read\n")
    configure(options, f"IdentityFile {folder}/id_ed25519\n")
    opened: list[str] = []
    spy_on_open(opened)
    async with SshTransport(options) as transport:
        assert (await transport.run(server.machine(), HELLO)).status == 0
    read = {Path(name).name for name in opened if name.startswith(str(home))}
    assert {"id_ed25519.pub", "known_hosts"} <= read
    assert not read & {"id_ed25519", "id_rsa", "config"}
    assert str(folder / "known_hosts") not in opened


async def test_no_key_accepted_says_for_whom_and_how_many(
    options: SshOptions, server: Server
) -> None:
    server.users = []
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError) as caught:
            await transport.run(server.machine("web"), HELLO)
    assert caught.value.message == "the agent's key is not accepted for core on web"
    assert caught.value.trouble is Trouble.AUTH


async def test_a_patient_server_is_offered_no_more_than_the_usual_limit_either(
    options: SshOptions, idle_server: Server, last: Path, known_hosts: Path
) -> None:
    idle_server.patience = 100
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError, match="none of the 6 keys offered is accepted"):
            await transport.run(server.machine(), HELLO)
    assert server.refused_keys == 6


async def test_a_server_that_gives_up_early_is_an_auth_trouble_with_a_hint(
    options: SshOptions, idle_server: Server, last: Path, known_hosts: Path
) -> None:
    idle_server.patience = 3
    async with serve(idle_server) as server, SshTransport(options) as transport:
        known_hosts.write_text(server.known())
        with pytest.raises(TransportError, match="gave up after 3 keys") as caught:
            await transport.run(server.machine(), HELLO)
    assert caught.value.trouble is Trouble.AUTH
    assert "IdentitiesOnly" in caught.value.hint


async def test_who_refused_our_keys_is_not_asked_again_at_once(
    options: SshOptions, server: Server
) -> None:
    server.users = []
    async with SshTransport(options) as transport:
        for _ in range(3):
            with pytest.raises(TransportError):
                await transport.run(server.machine(), HELLO)
    assert server.refused_keys == 1


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp256"])
async def test_keys_of_other_types_sign_too(
    options: SshOptions, server: Server, home: Path, kind: str
) -> None:
    key = asyncssh.generate_private_key(kind)
    key.write_private_key(home / "kind")
    (home / "kind").chmod(0o600)
    add_key(home / "kind")
    server.users = [key.convert_to_public()]
    async with SshTransport(options) as transport:
        assert (await transport.run(server.machine(), HELLO)).status == 0

"""Host keys: what is believed, refused, asked about and written down."""

import asyncio
import base64
import dataclasses
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.host_keys import HostKeys
from sshfleet.transport.known_hosts import parse_key
from sshfleet.transport.options import SshOptions, Strictness
from sshfleet.transport.resolve import Route
from sshfleet.transport.ssh import SshTransport
from tests.transport.conftest import generate
from tests.transport.server import Server, public, serve

HELLO = Run(script="echo hello")
GREETED = Completed(status=0, stdout=b"hello\n", stderr=b"")
OTHER = generate()


def strictly(options: SshOptions, strict: str) -> SshOptions:
    return dataclasses.replace(options, strict=strict)


class Answer:
    """A person who always says the same."""

    def __init__(self, answer: bool) -> None:
        self.answer, self.questions = answer, list[str]()

    async def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


def fingerprint(key: asyncssh.SSHKey) -> str:
    return key.get_fingerprint()


@pytest.mark.parametrize("strict", ["yes", "ask"])
async def test_an_unknown_key_is_refused_when_nobody_can_be_asked(
    options: SshOptions, server: Server, known_hosts: Path, strict: str
) -> None:
    known_hosts.unlink()
    async with SshTransport(strictly(options, strict)) as transport:
        with pytest.raises(TransportError, match="unknown") as caught:
            await transport.run(server.machine(), HELLO)
    assert caught.value.trouble is Trouble.HOST_KEY
    assert fingerprint(server.key) in caught.value.message
    assert f"ssh-keyscan -p {server.port} 127.0.0.1 >> {known_hosts}" in caught.value.hint
    assert server.logins == 0
    assert not known_hosts.exists()


async def test_a_yes_is_asked_for_once_and_written_down(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    known_hosts.unlink()
    person = Answer(True)
    for _ in range(2):
        async with SshTransport(strictly(options, "ask"), ask=person) as transport:
            assert await transport.run(server.machine(), HELLO) == GREETED
    assert len(person.questions) == 1
    assert fingerprint(server.key) in person.questions[0]
    assert known_hosts.read_text() == " ".join(server.known().split()[:3]) + "\n"
    assert known_hosts.stat().st_mode & 0o777 == 0o600


async def test_a_no_refuses_and_writes_nothing(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    known_hosts.unlink()
    async with SshTransport(strictly(options, "ask"), ask=Answer(False)) as transport:
        with pytest.raises(TransportError, match="unknown"):
            await transport.run(server.machine(), HELLO)
    assert not known_hosts.exists()


async def test_accept_new_learns_an_unknown_key(
    options: SshOptions, server: Server, home: Path
) -> None:
    file = home / "new folder" / "known_hosts"
    options = dataclasses.replace(options, strict="accept-new", known_hosts_file=str(file))
    async with SshTransport(options) as transport:
        assert await transport.run(server.machine(), HELLO) == GREETED
    assert file.read_text().split()[:3] == server.known().split()[:3]
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert transport.warnings == []


async def test_a_new_line_does_not_glue_to_a_torn_one_and_the_mode_is_kept(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    known_hosts.write_text(f"other {public(OTHER)}")
    known_hosts.chmod(0o644)
    async with SshTransport(strictly(options, "accept-new")) as transport:
        await transport.run(server.machine(), HELLO)
    assert [line.split()[0] for line in known_hosts.read_text().splitlines()] == [
        "other",
        f"[127.0.0.1]:{server.port}",
    ]
    assert known_hosts.stat().st_mode & 0o777 == 0o644


async def test_names_are_hashed_where_ssh_config_says_so(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    Path(options.ssh_config).write_text("HashKnownHosts yes\n")
    known_hosts.unlink()
    async with SshTransport(strictly(options, "accept-new")) as transport:
        await transport.run(server.machine(), HELLO)
    assert known_hosts.read_text().startswith("|1|")
    async with SshTransport(strictly(options, "yes")) as transport:
        assert await transport.run(server.machine(), HELLO) == GREETED


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new"])
async def test_a_changed_key_is_refused_with_both_fingerprints_and_its_line(
    options: SshOptions, server: Server, known_hosts: Path, strict: str
) -> None:
    text = f"# first\n[127.0.0.1]:{server.port} {public(OTHER)}\n"
    known_hosts.write_text(text)
    person = Answer(True)
    async with SshTransport(strictly(options, strict), ask=person) as transport:
        with pytest.raises(TransportError, match="has changed") as caught:
            await transport.run(server.machine(), HELLO)
    error = caught.value
    assert error.trouble is Trouble.HOST_KEY
    assert fingerprint(server.key) in error.message
    assert f"{known_hosts}:2 has ssh-ed25519 {fingerprint(OTHER)}" in error.message
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}' -f '{known_hosts}'" in error.hint
    assert (server.logins, person.questions, known_hosts.read_text()) == (0, [], text)


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new", "no"])
async def test_a_revoked_key_is_refused_whatever_was_asked_for(
    options: SshOptions, server: Server, known_hosts: Path, strict: str
) -> None:
    known_hosts.write_text(f"{server.known()}@revoked * {public(server.key)}\n")
    async with SshTransport(strictly(options, strict), ask=Answer(True)) as transport:
        with pytest.raises(TransportError, match="revoked") as caught:
            await transport.run(server.machine(), HELLO)
    assert caught.value.trouble is Trouble.HOST_KEY
    assert f"{known_hosts}:2" in caught.value.message
    assert server.logins == 0


def test_a_revoked_key_is_never_accepted_at_once(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"@revoked * {public(OTHER)}\n")
    route = Route(
        name="web", host="web", port=22, user="core", user_files=(file,), strict=Strictness.NO
    )
    key = parse_key(public(OTHER))
    assert key
    assert not HostKeys(None, lambda _: None).accepts(route, key)


async def test_no_accepts_unknown_and_changed_keys_with_a_warning_each_time(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    changed = f"[127.0.0.1]:{server.port} {public(OTHER)}\n"
    for text, word in (("", "unknown"), (changed, "changed")):
        known_hosts.write_text(text)
        async with SshTransport(strictly(options, "no")) as transport:
            assert await transport.run(server.machine(), HELLO) == GREETED
        assert len(transport.warnings) == 1
        assert word in transport.warnings[0]
        assert known_hosts.read_text() == text


@pytest.mark.parametrize("strict", ["ask", "no"])
async def test_a_pin_decides_alone(
    options: SshOptions, server: Server, known_hosts: Path, strict: str
) -> None:
    right, wrong = public(server.key), public(OTHER)
    machine = server.machine("wrong", host_key=wrong)
    async with SshTransport(strictly(options, strict), ask=Answer(True)) as transport:
        with pytest.raises(TransportError, match="not the one pinned") as caught:
            await transport.run(machine, HELLO)
        assert fingerprint(OTHER) in caught.value.message
        assert caught.value.trouble is Trouble.HOST_KEY
    known_hosts.write_text(f"[127.0.0.1]:{server.port} {wrong}\n")
    async with SshTransport(options) as transport:
        assert await transport.run(server.machine(host_key=right), HELLO) == GREETED


async def test_a_pin_that_is_no_key_is_an_error(options: SshOptions, server: Server) -> None:
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError, match="not a public key"):
            await transport.run(server.machine(host_key="SHA256:abc"), HELLO)


@pytest.mark.parametrize("known", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
async def test_a_machine_is_asked_for_the_type_of_key_we_know(
    idle_server: Server, agent: Path, options: SshOptions, known_hosts: Path, known: str
) -> None:
    kinds = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]
    keys = {kind: asyncssh.generate_private_key(kind) for kind in kinds}
    async with serve(idle_server, server_host_keys=list(keys.values())) as server:
        known_hosts.write_text(f"[127.0.0.1]:{server.port} {public(keys[known])}\n")
        async with SshTransport(strictly(options, "yes")) as transport:
            assert await transport.run(server.machine(), HELLO) == GREETED


async def test_a_known_plain_name_does_not_hide_that_a_port_is_unknown(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    known_hosts.write_text(f"127.0.0.1 {public(OTHER)}\n")
    async with SshTransport(strictly(options, "yes")) as transport:
        with pytest.raises(TransportError, match="unknown"):
            await transport.run(server.machine(), HELLO)


async def test_questions_come_one_at_a_time(
    options: SshOptions, server: Server, user_key: asyncssh.SSHKey, known_hosts: Path
) -> None:
    known_hosts.unlink()
    asking: list[str] = []

    async def person(question: str) -> bool:
        assert not asking
        asking.append(question)
        await transport.run(known, HELLO)
        asking.pop()
        return True

    second = Server(home=server.home, key=generate(), users=server.users)
    third = Server(home=server.home, key=generate(), users=server.users)
    async with serve(second), serve(third):
        known = third.machine("known", host_key=public(third.key))
        async with SshTransport(strictly(options, "ask"), ask=person) as transport:
            machines = [server.machine("one"), second.machine("two")]
            done = await asyncio.gather(*(transport.run(one, HELLO) for one in machines))
    assert done == [GREETED, GREETED]


def certified(server: Server, authority: asyncssh.SSHKey, **said: Any) -> list[object]:
    """Return the host key with a certificate by the authority."""
    said = {"principals": ["127.0.0.1"], **said}
    certificate = authority.generate_host_certificate(
        server.key.convert_to_public(), "host", **said
    )
    return [(server.key, certificate)]


async def test_a_certificate_of_a_known_authority_is_believed(
    idle_server: Server, agent: Path, options: SshOptions, known_hosts: Path
) -> None:
    keys = certified(idle_server, OTHER)
    async with serve(idle_server, server_host_keys=keys) as server:
        known_hosts.write_text(f"@cert-authority * {public(OTHER)}\n")
        async with SshTransport(strictly(options, "yes")) as transport:
            assert await transport.run(server.machine(), HELLO) == GREETED


@pytest.mark.parametrize(
    ("said", "marker"),
    [
        ({"principals": ["other"]}, ""),
        ({"valid_before": "20200101"}, ""),
        ({}, "@revoked * {ca}\n"),
        ({}, "@revoked * {host}\n"),
    ],
)
async def test_a_certificate_that_is_not_valid_here_is_refused(
    idle_server: Server,
    agent: Path,
    options: SshOptions,
    known_hosts: Path,
    said: dict[str, Any],
    marker: str,
) -> None:
    keys = certified(idle_server, OTHER, **said)
    async with serve(idle_server, server_host_keys=keys) as server:
        revoked = marker.format(ca=public(OTHER), host=public(server.key))
        known_hosts.write_text(f"@cert-authority * {public(OTHER)}\n{revoked}")
        async with SshTransport(strictly(options, "no")) as transport:
            with pytest.raises(TransportError) as caught:
                await transport.run(server.machine(), HELLO)
    assert caught.value.trouble is Trouble.HOST_KEY
    assert server.logins == 0


async def test_a_certificate_is_not_asked_for_where_no_authority_is_known(
    idle_server: Server, agent: Path, options: SshOptions, known_hosts: Path
) -> None:
    keys = certified(idle_server, OTHER)
    async with serve(idle_server, server_host_keys=keys) as server:
        known_hosts.write_text(server.known())
        async with SshTransport(strictly(options, "yes")) as transport:
            assert await transport.run(server.machine(), HELLO) == GREETED


async def test_an_unreadable_known_hosts_file_is_a_fault_here_not_of_the_machine(
    options: SshOptions, server: Server, home: Path
) -> None:
    options = dataclasses.replace(options, known_hosts_file=str(home))
    async with SshTransport(options) as transport:
        with pytest.raises(TransportError, match="cannot read") as caught:
            await transport.run(server.machine(), HELLO)
    assert caught.value.trouble is Trouble.FAULT_HERE


async def test_an_authority_of_a_type_nobody_knows_is_passed_over(
    options: SshOptions, server: Server, known_hosts: Path
) -> None:
    blob = base64.b64encode(b"\0\0\0\x07unheard" + b"x" * 20).decode()
    lines = f"@cert-authority * unheard {blob}\n@revoked * unheard {blob}\n"
    known_hosts.write_text(server.known() + lines)
    async with SshTransport(strictly(options, "yes")) as transport:
        assert await transport.run(server.machine(), HELLO) == GREETED

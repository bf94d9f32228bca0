"""What can be told of the agent's keys: certificates of every type tell their end."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from sshfleet.transport.keys import agent_keys, end_of
from tests.transport.conftest import add_key

ENDS = 1798761600  # 2027-01-01T00:00:00Z


def generate(path: Path, kind: str) -> None:
    words = ("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a comment", "-f", path)
    subprocess.run(words, check=True)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize(
    ("valid", "ends"), [("19700101Z:20270101Z", ENDS), ("always:forever", None)]
)
def test_a_certificate_tells_its_end(
    agent: Path, home: Path, kind: str, valid: str, ends: int | None
) -> None:
    generate(home / "authority", "ed25519")
    generate(home / "key", kind)
    words = ("-q", "-s", home / "authority", "-I", "me", "-n", "core,root", "-V", valid)
    subprocess.run(["ssh-keygen", *words, home / "key.pub"], check=True)
    add_key(home / "key")
    keys = asyncio.run(agent_keys())
    assert len(keys) == 3  # the one of the fixture, the key, its certificate
    told = {key.kind.endswith("-cert-v01@openssh.com"): key.ends for key in keys}
    assert told == {False: None, True: ends}


def test_a_plain_key_is_named_as_ssh_keygen_does(agent: Path, home: Path) -> None:
    (key,) = asyncio.run(agent_keys())
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", home / "user_key.pub"], check=True, capture_output=True
    ).stdout.decode()
    assert key.fingerprint in shown
    assert (key.kind, key.ends) == ("ssh-ed25519", None)


@pytest.mark.parametrize(
    "blob", [b"", b"\0", b"\xff" * 40, b"\0\0\0\4abcd" * 3, b"\0\0\0\0" * 5 + b"\0" * 12]
)
def test_nonsense_has_no_end(blob: bytes) -> None:
    for kind in ("ssh-ed25519-cert-v01@openssh.com", "odd-cert-v01@openssh.com", "ssh-rsa"):
        assert end_of(kind, blob) is None

"""What the agent's keys are, as far as it tells: type, fingerprint, comment, end of a certificate.

An agent never tells when it will forget a key (`ssh-add -t`); certificates carry their end.
"""

from dataclasses import dataclass

import asyncssh

from sshfleet.transport.agent import open_agent
from sshfleet.transport.known_hosts import HostKey

CERTIFICATE = "-cert-v01@openssh.com"
FOREVER = 2**64 - 1
_FIELDS = {"rsa": 2, "ed25519": 1, "ecdsa": 2, "sk-ecdsa": 3, "sk-ed25519": 2}
"""How many fields the public key itself has in a certificate (PROTOCOL.certkeys of OpenSSH)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKey:
    """A key of the agent; `ends` in seconds since 1970, for a certificate that has an end."""

    kind: str
    fingerprint: str
    comment: str
    ends: int | None = None


async def agent_keys() -> list[AgentKey]:
    """Return the keys of the agent; raises NoUsableKey."""
    agent = await open_agent()
    try:
        return [_described(key) for key in agent.keys]
    finally:
        await agent.shut()


def _described(key: asyncssh.SSHKeyPair) -> AgentKey:
    kind = key.key_algorithm.decode("ascii", "backslashreplace")
    return AgentKey(
        kind=kind,
        fingerprint=HostKey(kind=kind, blob=key.key_public_data).fingerprint,
        comment=(key.get_comment_bytes() or b"").decode("utf-8", "backslashreplace"),
        ends=end_of(kind, key.key_public_data),
    )


def end_of(kind: str, blob: bytes) -> int | None:
    """Return when a certificate ends; None for one without an end, a plain key, or nonsense."""
    family = kind.removesuffix(CERTIFICATE).removeprefix("ssh-").replace("sk-ssh-", "sk-")
    family = "ecdsa" if family.startswith("ecdsa-") else family
    family = "sk-ecdsa" if family.startswith("sk-ecdsa-") else family
    if not kind.endswith(CERTIFICATE) or family not in _FIELDS:
        return None
    at = _after(blob, 0, 2 + _FIELDS[family])  # its type, a nonce, the key
    at = _after(blob, at + 8 + 4, 2)  # serial and kind; then its name and the principals
    ends = int.from_bytes(blob[at + 8 : at + 16], "big") if len(blob) >= at + 16 else FOREVER
    return None if ends == FOREVER else ends


def _after(blob: bytes, at: int, fields: int) -> int:
    for _ in range(fields):
        at += 4 + int.from_bytes(blob[at : at + 4], "big")
    return at

"""What asyncssh is told for every login, so that it decides nothing and reads nothing by itself.

Rule 1: `known_hosts` is never None or empty: that switches the check off, or reads own files.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import asyncssh

from sshfleet.transport.known_hosts import Entry, Facts

KEY_TYPES = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)
"""Host keys we can check, in OpenSSH's order of preference."""

FIXED: dict[str, Any] = {
    "config": None,
    "client_keys": None,  # no files and no agent of its own: an Attempt hands out the keys
    "agent_forwarding": False,
    "preferred_auth": "publickey",
    "password_auth": False,
    "kbdint_auth": False,
    "host_based_auth": False,
    "gss_host": None,
    "gss_kex": False,
    "gss_auth": False,
    "x509_trusted_certs": None,  # the default trusts ~/.ssh/ca-bundle.crt
    "x509_trusted_cert_paths": [],
    "pkcs11_provider": None,
    "compression_algs": ["none"],
    # asyncssh's default, chacha20, is built of 37 Python calls a packet: 1.5 ms a login more
    "encryption_algs": "^aes128-gcm@openssh.com,aes256-gcm@openssh.com",
    "login_timeout": 0,  # ours covers TCP and the jump host as well
    "keepalive_interval": 5,
    "keepalive_count_max": 3,
}


def host_key_arguments(facts: Facts) -> dict[str, Any]:
    """Return what is said of host keys: authorities, revoked ones, and the types to ask for.

    The types we know keys of come first, so that a machine shows one that can be compared.
    """
    authorities = list(_imported(facts.authorities))
    revoked = list(_imported(facts.revoked))
    known = dict.fromkeys(entry.key.kind for entry in (*facts.keys, *facts.namesakes))
    wanted = [name for kind in known for name in _algorithms(kind)]
    order = [name for name in dict.fromkeys((*wanted, *KEY_TYPES)) if name in KEY_TYPES]
    certified = [_certificate(name) for name in order] if authorities else []
    return {"known_hosts": ((), authorities, revoked), "server_host_key_algs": certified + order}


def _imported(entries: Iterable[Entry]) -> Iterator[asyncssh.SSHKey]:
    """Yield the keys that asyncssh knows: with others no machine can prove anything."""
    for entry in entries:
        with contextlib.suppress(asyncssh.KeyImportError):
            yield asyncssh.import_public_key(entry.key.line)


def _algorithms(kind: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _certificate(name: str) -> str:
    return f"{name.removesuffix('@openssh.com')}-cert-v01@openssh.com"

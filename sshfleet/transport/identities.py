"""Which of the agent's keys a machine is offered, and in which order.

A server counts each key it does not know and closes at its MaxAuthTries, 6 by default; newer ones
then lock our address out for a while. So never more than that are offered, the likely ones first.
No private key is ever read: what an IdentityFile stands for is in the .pub file beside it.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import asyncssh

from sshfleet.transport.resolve import Route

MOST_OFFERED = 6
"""MaxAuthTries, sshd_config(5)."""


class Identities:
    """The keys of the agent, and what each route makes of them; files are read once a run."""

    def __init__(self, keys: Sequence[asyncssh.SSHKeyPair]) -> None:
        self.keys = keys
        self._chosen: dict[tuple[tuple[Path, ...], bool], list[asyncssh.SSHKeyPair]] = {}

    def for_route(self, route: Route) -> list[asyncssh.SSHKeyPair]:
        """Return the keys to offer: those of IdentityFile first; with IdentitiesOnly no others."""
        said = (route.identity_files, route.identities_only)
        if said not in self._chosen:
            self._chosen[said] = _choose(self.keys, route)
        return self._chosen[said]


def _choose(keys: Sequence[asyncssh.SSHKeyPair], route: Route) -> list[asyncssh.SSHKeyPair]:
    named = [
        key
        for blob in dict.fromkeys(_public_keys(route.identity_files))
        for key in keys
        if key.public_data == blob
    ]
    others = [] if route.identities_only else [key for key in keys if key not in named]
    return [*named, *others][:MOST_OFFERED]


def _public_keys(identity_files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the public keys and certificates that lie beside these files."""
    for path in identity_files:
        if path.suffix == ".pub":
            beside = [path]
        else:
            beside = [path.with_name(f"{path.name}{end}") for end in ("-cert.pub", ".pub")]
        for public in beside:
            try:
                yield base64.b64decode(public.read_bytes().split()[1], validate=True)
            except (OSError, IndexError, binascii.Error):
                continue  # OpenSSH too passes over an IdentityFile that is not there

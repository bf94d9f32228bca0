"""One login: TCP, key exchange, host key, public key, all within one deadline.

Rule 1: asyncssh reads no file and asks no agent by itself; every trust decision is ours. Its
`known_hosts` is never None or empty (that would switch checking off, or read files of its own).
Rule 2: retries are for throttled connections only. A refused key or host key is never tried again.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.transport.agent import Agent, OfferedKey
from sshfleet.transport.base import TransportError
from sshfleet.transport.host_keys import HostKeys
from sshfleet.transport.identities import choose
from sshfleet.transport.known_hosts import SSH_PORT, Facts, HostKey, lookup_name
from sshfleet.transport.resolve import Route
from sshfleet.transport.trouble import Progress, Stage, login_trouble

RETRIES = 2
PAUSE = (0.2, 1.5)
"""Seconds between two tries, at random: many machines were throttled at the same moment."""

KEY_TYPES = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)
"""Host keys we can check, in OpenSSH's order of preference."""


class Door:
    """Logs in to machines and jump hosts, all in the same way."""

    def __init__(self, agent: Agent, host_keys: HostKeys, seconds: float) -> None:
        self._agent, self._host_keys, self._seconds = agent, host_keys, seconds

    async def log_in(
        self, route: Route, tunnel: asyncssh.SSHClientConnection | None = None
    ) -> asyncssh.SSHClientConnection:
        """Return a connection that is logged in; raises TransportError."""
        keys = choose(self._agent.keys, route)
        if not keys:
            message = f"the agent holds no key that IdentityFile allows for {route.name}"
            raise TransportError(Trouble.AUTH, message, hint="ssh-add that key")
        started = asyncio.get_running_loop().time()
        tries = 0
        while True:
            attempt = _Attempt(self._progress(route), self._host_keys, self._agent, keys)
            try:
                return await attempt.connect(tunnel)
            except _NotBelieved as refused:
                if not await self._host_keys.vouched_for(route, refused.key):
                    raise self._host_keys.refusal(route, refused.key) from None
            except TransportError as error:
                tries += 1
                left = started + self._seconds - asyncio.get_running_loop().time()
                if error.trouble is not Trouble.THROTTLED or tries > RETRIES or left < PAUSE[1]:
                    raise
                await asyncio.sleep(random.uniform(*PAUSE))  # noqa: S311 - not a secret

    def _progress(self, route: Route) -> Progress:
        return Progress(route=route, seconds=self._seconds, held=len(self._agent.keys))


class _NotBelieved(Exception):
    """The host key was refused."""

    def __init__(self, key: HostKey) -> None:
        super().__init__(key.fingerprint)
        self.key = key


class _Attempt(asyncssh.SSHClient):
    """One try; asyncssh asks and tells it what happens on the way."""

    def __init__(
        self,
        progress: Progress,
        host_keys: HostKeys,
        agent: Agent,
        keys: Sequence[asyncssh.SSHKeyPair],
    ) -> None:
        self._progress, self._host_keys = progress, host_keys
        self._keys = [OfferedKey(agent, key, self._signing) for key in keys]
        self._shown: HostKey | None = None

    async def connect(
        self, tunnel: asyncssh.SSHClientConnection | None
    ) -> asyncssh.SSHClientConnection:
        """Connect and log in; raises _NotBelieved and TransportError."""
        route = self._progress.route
        facts = self._host_keys.facts(route)
        try:
            async with asyncio.timeout(self._progress.seconds):
                connection = await asyncssh.connect(
                    route.host,
                    route.port,
                    tunnel=tunnel or (),
                    client_factory=lambda: self,
                    username=route.user,
                    host_key_alias=route.alias or lookup_name(route.host, SSH_PORT),
                    **_host_key_arguments(facts),
                    **FIXED,
                )
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._not_believed(error, facts) from error
        except Exception as error:
            raise login_trouble(error, self._progress) from error
        self._proven()
        return connection

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Note that TCP is up."""
        self._progress.stage = Stage.GREETING

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Decide about the host key."""
        self._shown = HostKey(kind=key.get_algorithm(), blob=key.public_data)
        return self._host_keys.accepts(self._progress.route, self._shown)

    def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        """Offer the next key of the agent."""
        self._proven()
        self._progress.stage = Stage.AUTHENTICATING
        if not self._keys:
            return None
        self._progress.offered += 1
        return self._keys.pop(0)

    def _signing(self, asked: bool) -> None:
        self._progress.stage = Stage.SIGNING if asked else Stage.AUTHENTICATING

    def _proven(self) -> None:
        """The key exchange is over: whoever shows the host key holds it."""
        if self._shown and self._progress.stage is Stage.GREETING:
            self._host_keys.proven(self._progress.route, self._shown)

    def _not_believed(self, error: asyncssh.HostKeyNotVerifiable, facts: Facts) -> Exception:
        if self._shown:
            return _NotBelieved(self._shown)
        if facts.revoked and "revoked" in str(error):
            return self._host_keys.refusal(self._progress.route, facts.revoked[0].key)
        message = f"the host certificate of {self._progress.route.name} is not valid: {error}"
        return TransportError(Trouble.HOST_KEY, message, hint="ask whoever signs your host keys")


FIXED: dict[str, Any] = {
    "config": None,
    "client_keys": None,  # no files and no agent of its own: keys come from _Attempt
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
    "login_timeout": 0,  # ours covers TCP and the jump host as well
    "keepalive_interval": 5,
    "keepalive_count_max": 3,
}


def _host_key_arguments(facts: Facts) -> dict[str, Any]:
    """Return what asyncssh is told of host keys: authorities, revoked keys, types to ask for."""
    authorities = [asyncssh.import_public_key(entry.key.line) for entry in facts.authorities]
    revoked = [asyncssh.import_public_key(entry.key.line) for entry in facts.revoked]
    known = dict.fromkeys(entry.key.kind for entry in (*facts.keys, *facts.namesakes))
    wanted = [name for kind in known for name in _algorithms(kind)]
    order = [name for name in dict.fromkeys((*wanted, *KEY_TYPES)) if name in KEY_TYPES]
    certified = [_certificate(name) for name in order] if authorities else []
    return {"known_hosts": ((), authorities, revoked), "server_host_key_algs": certified + order}


def _algorithms(kind: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _certificate(name: str) -> str:
    return f"{name.removesuffix('@openssh.com')}-cert-v01@openssh.com"

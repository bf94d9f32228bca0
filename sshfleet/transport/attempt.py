"""One try to log in, with what asyncssh asks and tells on the way."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.transport.agent import Agent, OfferedKey
from sshfleet.transport.arguments import FIXED, host_key_arguments
from sshfleet.transport.base import TransportError
from sshfleet.transport.connection import PLAIN, connect
from sshfleet.transport.dial import dial, greeted, look_up
from sshfleet.transport.host_keys import HostKeys
from sshfleet.transport.known_hosts import SSH_PORT, Facts, HostKey, lookup_name
from sshfleet.transport.trouble import Progress, Stage, login_trouble
from sshfleet.transport.turns import Turns


class NotBelieved(Exception):
    """The host key was refused."""

    def __init__(self, key: HostKey) -> None:
        super().__init__(key.fingerprint)
        self.key = key


class Attempt(asyncssh.SSHClient):
    """One try; to asyncssh it is the client. For `waited` seconds it was not its turn."""

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
        self.waited = 0.0

    async def connect(
        self, tunnel: asyncssh.SSHClientConnection | None, until: float, turns: Turns
    ) -> asyncssh.SSHClientConnection:
        """Connect, and log in when it is our turn; raises NotBelieved and TransportError.

        That must be done `until` then, and as much later as it was not our turn.
        """
        facts = self._host_keys.facts(self._progress.route)
        told = host_key_arguments(facts)
        try:
            connection = await self._in_turn(tunnel or await self._dial(until), until, turns, told)
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._not_believed(error, facts) from error
        except Exception as error:
            raise login_trouble(error, self._progress) from error
        self._proven()
        return connection

    async def _dial(self, until: float) -> socket.socket:
        route, now = self._progress.route, asyncio.get_running_loop().time
        async with asyncio.timeout_at(until):
            addresses = await look_up(route.host, route.port)
        self._progress.stage = Stage.DIALING
        sock = await dial(addresses, lambda: until - now())
        self._progress.stage = Stage.GREETING
        return sock

    async def _in_turn(
        self,
        way: socket.socket | asyncssh.SSHClientConnection,
        until: float,
        turns: Turns,
        told: dict[str, Any],
    ) -> asyncssh.SSHClientConnection:
        """Log in when it is our turn: when we have to wait, not before the machine has spoken."""
        now = asyncio.get_running_loop().time
        try:
            if isinstance(way, socket.socket) and not turns.free:
                async with asyncio.timeout_at(until):
                    await greeted(way)
            began = now()
            async with turns.turn(self._progress):
                self.waited = now() - began
                return await self._log_in(way, until + self.waited, told)
        except BaseException:
            if isinstance(way, socket.socket):
                way.close()
            raise

    async def _log_in(
        self,
        way: socket.socket | asyncssh.SSHClientConnection,
        until: float,
        told: dict[str, Any],
    ) -> asyncssh.SSHClientConnection:
        route = self._progress.route
        unasked = len(self._keys) == 1 and self._keys[0].algorithm in PLAIN
        # What fails before asyncssh says that it is connected is not the machine's doing.
        self._progress.stage = Stage.DIALING
        async with asyncio.timeout_at(until):
            return await connect(
                way,
                unasked=unasked,
                host=route.host,
                port=route.port,
                client_factory=lambda: self,
                username=route.user,
                host_key_alias=route.alias or lookup_name(route.host, SSH_PORT),
                **told,
                **FIXED,
            )

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
            return NotBelieved(self._shown)
        if facts.revoked and "revoked" in str(error):
            return self._host_keys.refusal(self._progress.route, facts.revoked[0].key)
        message = f"the host certificate of {self._progress.route.name} is not valid: {error}"
        return TransportError(Trouble.HOST_KEY, message, hint="ask whoever signs your host keys")

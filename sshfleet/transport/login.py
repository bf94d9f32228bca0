"""Logging in: TCP, key exchange, host key and public key, all within one deadline.

Rule 1: a try is repeated only when sshd was too busy to talk, or a person has vouched for the host
key. Whoever refused our keys is not asked again: it may lock us out.
Rule 2: the deadline is the machine's: neither the wait for a turn here counts nor the time in
which this program did not listen. Who seems silent after such a time is asked again.
"""

import asyncio
import random
from dataclasses import dataclass

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.model.standing import SILENCE
from sshfleet.transport.agent import Agent
from sshfleet.transport.attempt import Attempt, NotBelieved
from sshfleet.transport.base import TransportError
from sshfleet.transport.host_keys import HostKeys
from sshfleet.transport.identities import Identities
from sshfleet.transport.known_hosts import HostKey
from sshfleet.transport.pulse import Pulse
from sshfleet.transport.resolve import Route
from sshfleet.transport.trouble import Progress
from sshfleet.transport.turns import Turns, in_turn

RETRIES = 2
PAUSE = (0.2, 1.5)
"""Seconds between two tries, at random: many machines were throttled at the same moment."""

MISSED = 0.5
"""Seconds without listening after which silence means nothing."""

AGAIN = 8
"""Machines tried again at once: what throttled them may stand before all of them."""


@dataclass(frozen=True, slots=True)
class Through:
    """A jump host that we are logged in to, and the turns of the logins through it."""

    tunnel: asyncssh.SSHClientConnection
    turns: Turns


class Door:
    """Logs in to machines and jump hosts, all in the same way, so many of them at once.

    `begun` are those to have TCP to, `talking` those of them to exchange keys with.
    """

    def __init__(
        self, agent: Agent, host_keys: HostKeys, seconds: float, begun: int, talking: int
    ) -> None:
        self.agent, self.host_keys, self.seconds = agent, host_keys, seconds
        self.pulse = Pulse()
        self.begun, self.again, self.turns = Turns(begun), Turns(AGAIN), Turns(talking)
        self._identities = Identities(agent.keys)

    async def log_in(
        self, route: Route, through: Through | None = None
    ) -> asyncssh.SSHClientConnection:
        """Return a connection that is logged in; raises TransportError."""
        keys = self._identities.for_route(route)
        if not keys:
            message = f"the agent holds no key that IdentityFile allows for {route.name}"
            raise TransportError(Trouble.AUTH, message, hint="ssh-add that key")
        login = _Login(self, route, keys, through)
        while True:
            try:
                return await login.attempt()
            except NotBelieved as refused:
                await login.ask_about(refused.key)
            except TransportError as error:
                await login.rest_after(error)


class _Login:
    """What is left of the time and the tries of one login."""

    def __init__(
        self, door: Door, route: Route, keys: list[asyncssh.SSHKeyPair], through: Through | None
    ) -> None:
        self._door, self._route, self._keys = door, route, keys
        self._tunnel = through.tunnel if through else None
        self._queues = [through.turns if through else door.begun]
        self._left, self._retries, self._missed = door.seconds, RETRIES, 0.0

    async def attempt(self) -> asyncssh.SSHClientConnection:
        """Try it once, when it is its turn; raises NotBelieved and TransportError."""
        door, now = self._door, asyncio.get_running_loop().time
        progress = Progress(route=self._route, seconds=door.seconds, held=len(door.agent.keys))
        attempt = Attempt(progress, door.host_keys, door.agent, self._keys)
        async with in_turn(self._queues, progress):
            until, missed = now() + self._left, door.pulse.missed
            try:
                return await attempt.connect(self._tunnel, until, door.turns)
            finally:
                self._missed = door.pulse.missed - missed
                self._left = until + attempt.waited + self._missed - now()

    async def ask_about(self, key: HostKey) -> None:
        """Have a person vouch for a host key; raises TransportError."""
        host_keys = self._door.host_keys
        if not await host_keys.vouched_for(self._route, key):
            raise host_keys.refusal(self._route, key)
        self._left = self._door.seconds  # a person took their time

    async def rest_after(self, error: TransportError) -> None:
        """Let an sshd that was too busy rest before the next try; raise any other error."""
        if error.trouble in SILENCE and self._missed > MISSED:
            self._listen_again(error)
            return
        throttled = error.trouble is Trouble.THROTTLED
        if not throttled or not self._retries or self._left < PAUSE[1]:
            raise error
        if self._retries == RETRIES:
            self._queues.insert(0, self._door.again)
        self._retries -= 1
        pause = random.uniform(*PAUSE)  # noqa: S311 - not a secret
        self._left -= pause
        await asyncio.sleep(pause)

    def _listen_again(self, error: TransportError) -> None:
        if not self._retries:
            message = f"this computer was too busy to hear whether {self._route.name} answers"
            raise TransportError(Trouble.FAULT_HERE, message, hint="try again") from error
        self._retries -= 1

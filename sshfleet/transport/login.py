"""Logging in: TCP, key exchange, host key and public key, all within one deadline.

Rule 1: a try is repeated only when sshd was too busy to talk, or a person has vouched for the host
key. Whoever refused our keys is not asked again: it may lock us out.
"""

import asyncio
import random

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.transport.agent import Agent
from sshfleet.transport.attempt import Attempt, NotBelieved
from sshfleet.transport.base import TransportError
from sshfleet.transport.host_keys import HostKeys
from sshfleet.transport.identities import Identities
from sshfleet.transport.resolve import Route
from sshfleet.transport.trouble import Progress

RETRIES = 2
PAUSE = (0.2, 1.5)
"""Seconds between two tries, at random: many machines were throttled at the same moment."""


class Door:
    """Logs in to machines and jump hosts, all in the same way."""

    def __init__(self, agent: Agent, host_keys: HostKeys, seconds: float) -> None:
        self._agent, self._host_keys, self._seconds = agent, host_keys, seconds
        self._identities = Identities(agent.keys)

    async def log_in(
        self, route: Route, tunnel: asyncssh.SSHClientConnection | None = None
    ) -> asyncssh.SSHClientConnection:
        """Return a connection that is logged in; raises TransportError."""
        keys = self._identities.for_route(route)
        if not keys:
            message = f"the agent holds no key that IdentityFile allows for {route.name}"
            raise TransportError(Trouble.AUTH, message, hint="ssh-add that key")
        now = asyncio.get_running_loop().time
        until = now() + self._seconds
        retries = RETRIES
        while True:
            attempt = Attempt(self._progress(route), self._host_keys, self._agent, keys)
            try:
                return await attempt.connect(tunnel, until)
            except NotBelieved as refused:
                if not await self._host_keys.vouched_for(route, refused.key):
                    raise self._host_keys.refusal(route, refused.key) from None
                until = now() + self._seconds  # a person took their time
            except TransportError as error:
                if (
                    error.trouble is not Trouble.THROTTLED
                    or not retries
                    or until - now() < PAUSE[1]
                ):
                    raise
                retries -= 1
                await asyncio.sleep(random.uniform(*PAUSE))  # noqa: S311 - not a secret

    def _progress(self, route: Route) -> Progress:
        return Progress(route=route, seconds=self._seconds, held=len(self._agent.keys))

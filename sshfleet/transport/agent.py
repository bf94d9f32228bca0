"""The ssh-agent: its keys, read once a run, before any machine is contacted.

Rule 1: an agent that is missing, dead, empty or silent ends the run here (exit 77). Asked for later
it would look as if every machine refused us.
Rule 2: a request that was sent is always read to its end. A login that is given up in the middle of
a signature would otherwise leave its answer for the next one.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence

import asyncssh

from sshfleet.errors import ADD_KEY, START_AGENT, NoUsableKey

PATIENCE = 3.0
"""Seconds an agent may take to list its keys."""


class AgentRefused(Exception):
    """The agent did not sign: its key has expired, or the confirmation was not given."""


class Agent(asyncssh.SSHAgentClient):
    """One connection to the ssh-agent, shared by all logins."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.keys: Sequence[asyncssh.SSHKeyPair] = ()
        self._signing: set[asyncio.Task[bytes]] = set()

    async def sign(self, key_blob: bytes, data: bytes, flags: int = 0) -> bytes:
        """Have the agent sign; raises AgentRefused."""
        request = asyncio.ensure_future(super().sign(key_blob, data, flags))
        self._signing.add(request)
        request.add_done_callback(self._signed)
        try:
            return await asyncio.shield(request)
        except ValueError as error:
            raise AgentRefused(str(error)) from error

    def _signed(self, request: "asyncio.Task[bytes]") -> None:
        self._signing.discard(request)
        if not request.cancelled():
            request.exception()  # whoever waited may have given up: nobody else looks at it

    async def shut(self) -> None:
        """Close the connection, whatever is still being asked."""
        for request in self._signing:
            request.cancel()
        await asyncio.gather(*self._signing, return_exceptions=True)
        self.close()
        with contextlib.suppress(OSError):  # it may have closed on us before
            await self.wait_closed()


class OfferedKey(asyncssh.SSHAgentKeyPair):
    """A key of the agent, for one login: asyncssh notes in it which signature the server wants.

    `signing` is told True when the agent is asked, False when it has answered.
    """

    def __init__(
        self, agent: Agent, key: asyncssh.SSHKeyPair, signing: Callable[[bool], None]
    ) -> None:
        comment = key.get_comment_bytes() or b""
        super().__init__(agent, key.key_algorithm, key.key_public_data, comment)
        self._signing = signing

    async def sign_async(self, data: bytes) -> bytes:
        """Have the agent sign; raises AgentRefused."""
        self._signing(True)
        signature = await super().sign_async(data)
        self._signing(False)
        return signature


async def open_agent() -> Agent:
    """Connect to the agent of SSH_AUTH_SOCK and read its keys; raises NoUsableKey."""
    path = os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise NoUsableKey("no ssh-agent: SSH_AUTH_SOCK is not set", hint=START_AGENT)
    agent = Agent(path)
    try:
        async with asyncio.timeout(PATIENCE):
            await agent.connect()
            agent.keys = await agent.get_keys()
        if not agent.keys:
            raise NoUsableKey("the ssh-agent holds no key", hint=ADD_KEY)
    except BaseException as error:
        await agent.shut()
        raise _as_no_usable_key(error, path) from error
    return agent


def _as_no_usable_key(error: BaseException, path: str) -> BaseException:
    if isinstance(error, TimeoutError):
        message = f"the ssh-agent at {path} does not answer"
        return NoUsableKey(message, hint=START_AGENT)
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return NoUsableKey(f"no ssh-agent at {path}: {reason}", hint=START_AGENT)
    if isinstance(error, ValueError | asyncssh.Error):
        return NoUsableKey(f"{path} is not an ssh-agent that works: {error}", hint=START_AGENT)
    return error

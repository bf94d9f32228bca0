"""A second opinion: does a machine that we cannot reach answer another one?

The other machine opens TCP to it, over the connection that we have to that one; sshd tells in words
of strerror(3) why it could not.
Rule 1: silence has to be proven: "no" is said only when the other machine itself answers us
afterwards. Whatever else goes wrong is no opinion.
"""

import asyncio
import re
from typing import Any

import asyncssh

from sshfleet.model.step import Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.link import Link

PATIENCE = 3.5
"""Seconds for TCP to be opened: three tries of a kernel."""

AFTERWARDS = 1.2
"""Seconds for the other machine to show that it was not itself that was silent."""

LIVING = re.compile("refused|reset", re.IGNORECASE)
SILENT = re.compile("timed out|no route|host is down", re.IGNORECASE)

Opened = tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]


async def answers(via: Link, host: str, port: int) -> bool | None:
    """Tell whether `via` finds a living kernel at an address; None where it cannot tell."""
    opening: asyncio.Task[Opened] = asyncio.ensure_future(
        via.connection.open_connection(host, port, encoding=None)
    )
    opening.add_done_callback(_let_go)
    try:
        async with asyncio.timeout(PATIENCE):
            # Not given up when we go on: what it opens late has to be closed by `_let_go`.
            await asyncio.shield(opening)
    except TimeoutError:
        return await _unless_silent(via)
    except asyncssh.ChannelOpenError as error:
        return await _as_told(via, error)
    except (OSError, asyncssh.Error):
        return None
    return True


async def _as_told(via: Link, error: asyncssh.ChannelOpenError) -> bool | None:
    if via.lost or error.code != asyncssh.OPEN_CONNECT_FAILED:
        return None
    if LIVING.search(error.reason):
        return True
    return False if SILENT.search(error.reason) else None


async def _unless_silent(via: Link) -> bool | None:
    """Return "no", unless the machine that was to say so says nothing at all."""
    try:
        async with asyncio.timeout(AFTERWARDS):
            done = await via.run(Run(script=":", seconds=AFTERWARDS), sudo=False)
    except (TimeoutError, TransportError):
        return None
    return None if done.status is None else False


def _let_go(opening: "asyncio.Task[Any]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[1].close()

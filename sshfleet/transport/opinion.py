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

PATIENCE = 3.5
"""Seconds for TCP to be opened: three tries of a kernel."""

AFTERWARDS = 1.2
"""Seconds for the other machine to show that it was not itself that was silent."""

CLOSED_PORT = 1

LIVING = re.compile("refused|reset", re.IGNORECASE)
SILENT = re.compile("timed out|no route|host is down", re.IGNORECASE)

Opened = tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]


async def answers(via: asyncssh.SSHClientConnection, host: str, port: int) -> bool | None:
    """Tell whether `via` finds a living kernel at an address; None where it cannot tell."""
    opening = _opening(via, host, port)
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(opening)
    except TimeoutError:
        return False if await is_there(via) else None
    except asyncssh.ChannelOpenError as error:
        return None if via.is_closed() else _as_told(error)
    except (OSError, asyncssh.Error):
        return None
    return True


def _as_told(error: asyncssh.ChannelOpenError) -> bool | None:
    if error.code != asyncssh.OPEN_CONNECT_FAILED:
        return None
    if LIVING.search(error.reason):
        return True
    return False if SILENT.search(error.reason) else None


async def is_there(connection: asyncssh.SSHClientConnection) -> bool:
    """Tell whether a machine answers over a connection, whatever it may allow there.

    Nothing runs on it for that: it refuses TCP to a port of its own.
    """
    opening = _opening(connection, "localhost", CLOSED_PORT)
    done, _ = await asyncio.wait({opening}, timeout=AFTERWARDS)
    return bool(done) and not connection.is_closed()


def _opening(
    connection: asyncssh.SSHClientConnection, host: str, port: int
) -> "asyncio.Task[Opened]":
    """Begin to open TCP; what is open in the end, and be it late, is closed again."""
    opening: asyncio.Task[Opened] = asyncio.ensure_future(
        connection.open_connection(host, port, encoding=None)
    )
    opening.add_done_callback(_let_go)
    return opening


def _let_go(opening: "asyncio.Task[Any]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[1].close()

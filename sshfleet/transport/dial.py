"""From a name and a port to a TCP connection.

Looked up and connected apart, because a resolver that hangs is our fault while a host that hangs is
silent, and because one address of several may be dead.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence

TELLING = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH)
"""Of several failures the one to report: first what proves that the host lives."""

LONGEST_GREETING = 255
"""Bytes, RFC 4253 section 4.2."""

DRIP = 0.1
"""Seconds between two looks at a greeting that comes in pieces."""

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


async def look_up(host: str, port: int) -> list[Address]:
    """Return the addresses of a host; raises socket.gaierror."""
    try:
        # An address needs no resolver, hence no thread.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, where) for family, _kind, _protocol, _name, where in found]  # type: ignore[misc]


async def dial(addresses: Sequence[Address], left: Callable[[], float]) -> socket.socket:
    """Connect to the first address that answers; raises OSError, TimeoutError among them.

    `left` tells how many seconds there are; each address gets its share of them.
    """
    errors: list[OSError] = []
    for number, address in enumerate(addresses):
        try:
            async with asyncio.timeout(left() / (len(addresses) - number)):
                return await _connected(address)
        except OSError as error:
            errors.append(error)
    raise min(errors, key=_how_telling)


async def _connected(address: Address) -> socket.socket:
    family, where = address
    connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        await asyncio.get_running_loop().sock_connect(connection, where)
    except BaseException:
        connection.close()
        raise
    return connection


async def greeted(connection: socket.socket) -> None:
    """Wait until the other side has sent a line, or has closed; it is left there to be read."""
    while True:
        await _readable(connection)
        line = connection.recv(LONGEST_GREETING, socket.MSG_PEEK)
        if not line or b"\n" in line or len(line) == LONGEST_GREETING:
            return
        await asyncio.sleep(DRIP)  # what is there makes it readable all the time


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(connection)


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _how_telling(error: OSError) -> int:
    if error.errno in TELLING:
        return TELLING.index(error.errno)
    # A host that is silent by IPv4 is silent, though this computer has no IPv6 to reach it by.
    return len(TELLING) + (not isinstance(error, TimeoutError))

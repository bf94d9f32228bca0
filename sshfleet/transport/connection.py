"""A connection of asyncssh with nothing on the wire that need not be.

What asyncssh does beside, and what it costs at 2.24.1:
- It asks for the service, for the ways to log in, whether a key would do, and then logs in, each in
  a round trip of its own. SSH asks for none of these waits: the requests go out together, and where
  there is one key it signs unasked (RFC 4252, section 7: a client may ask before, to save work).
- It sends MSG_IGNORE before each packet, for ciphers in CBC mode (RFC 4251, section 9.3.1).
- It writes each packet by itself: what is sent in one round of the event loop goes out together.
- It reads a login's options in a thread.

Rule 1: whoever refuses what came unasked is asked again in asyncssh's own order, from the next key.
Rule 2: this leans on names that asyncssh does not document. pyproject.toml allows the versions that
were tried; tests/transport/test_connection.py fails where one of them behaves in another way.
"""

import asyncio
import socket
from typing import Any

import asyncssh
from asyncssh.auth import ClientAuth
from asyncssh.constants import MSG_DISCONNECT, MSG_IGNORE
from asyncssh.packet import Boolean, String

PLAIN = frozenset(
    (b"ssh-ed25519", b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp521")
)
"""Keys that sign in one way only, without somebody's touch."""

_METHOD = b"publickey"


class Connection(asyncssh.SSHClientConnection):
    """One connection; `unasked`: the first key signs without a question whether it would do."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: asyncssh.SSHClientConnectionOptions,
        *,
        unasked: bool,
    ) -> None:
        super().__init__(loop, options, wait="auth")
        self._unasked = unasked
        self._is_ahead = False
        self._gathered: list[bytes] = []

    def send_service_request(self, service: bytes) -> None:
        """Ask for the service, and at once for the login that it is asked for."""
        super().send_service_request(service)
        self._auth_methods = [_METHOD]
        if self._unasked:
            self._auth = _Signed(self, _METHOD)
        else:
            self.try_next_auth()
        self._is_ahead = True

    def try_next_auth(self, *, next_method: bool = False) -> None:
        """Go on with the login; that the service was accepted is no reason to."""
        if self._is_ahead:
            self._is_ahead = False
        else:
            super().try_next_auth(next_method=next_method)

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        """Send a packet, if it says anything."""
        if pkttype == MSG_IGNORE:
            return
        super().send_packet(pkttype, *args, handler=handler)
        if pkttype == MSG_DISCONNECT:
            self._write()  # nothing is written once the connection is given up

    def _send(self, data: bytes) -> None:
        if not self._gathered:
            self._loop.call_soon(self._write)
        self._gathered.append(data)

    def _write(self) -> None:
        data = b"".join(self._gathered)
        self._gathered.clear()
        if data:
            super()._send(data)


class _Signed(ClientAuth):
    """A login with the first key, signed."""

    async def _start(self) -> None:
        key = await self._conn.public_key_auth_requested()
        if key is None:
            self._conn.try_next_auth(next_method=True)
            return
        told = (Boolean(True), String(key.algorithm), String(key.public_data))
        await self.send_request(*told, key=key, trivial=False)


async def connect(
    way: socket.socket | asyncssh.SSHClientConnection, *, unasked: bool, **told: Any
) -> Connection:
    """Log in over a socket, or through a jump host; raises what asyncssh.connect raises.

    `told` are its arguments, `host`, `port` and `client_factory` among them.
    """
    loop = asyncio.get_running_loop()
    options = asyncssh.SSHClientConnectionOptions(loop=loop, **told)
    options.waiter = loop.create_future()
    connection = Connection(loop, options, unasked=unasked)
    if isinstance(way, socket.socket):
        await loop.create_connection(lambda: connection, sock=way)
    else:
        # A connection is a session as well: that is how asyncssh goes through a tunnel itself.
        session: Any = connection
        await way.create_connection(lambda: session, options.host, options.port)
    connection.set_extra_info(host=options.host, port=options.port)
    try:
        await options.waiter
    except BaseException:
        connection.abort()
        await connection.wait_closed()
        raise
    return connection

"""One command on a channel: its input goes in, its output comes out, as much as its taker wants.

An OpenSSH server opens its window only when it has accepted the command: input cannot go earlier,
and a command with input takes three round trips, one without takes two.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed
from sshfleet.transport.base import TransportError
from sshfleet.transport.bootstrap import STARTED

STDOUT_CAP = 8 * 1024 * 1024
STDERR_CAP = 64 * 1024

Receive = Callable[[bytes, bool], None]
"""Takes what arrived, and whether it is standard error; may raise TransportError to end it all."""


class Capture:
    """Keeps what a command writes, up to a cap for each of its two streams."""

    def __init__(self, stdout_cap: int = STDOUT_CAP, stderr_cap: int = STDERR_CAP) -> None:
        self._caps = (stdout_cap, stderr_cap)
        self.stdout, self.stderr = bytearray(), bytearray()

    def __call__(self, data: bytes, is_error: bool) -> None:
        """Keep some output; raises TransportError beyond the cap."""
        kept = self.stderr if is_error else self.stdout
        cap = self._caps[is_error]
        if len(kept) + len(data) > cap:
            message = f"a command wrote more than {cap // 1024} KiB"
            raise TransportError(Trouble.UNMANAGEABLE, message)
        kept += data

    def completed(self, status: int | None) -> Completed:
        """Return what was kept, with the status."""
        return Completed(status=status, stdout=bytes(self.stdout), stderr=bytes(self.stderr))


class Exec(asyncssh.SSHClientSession[bytes]):
    """The session of one command; with `hold` its input stays open until the channel closes.

    The input may still be on its way to us; where it does not come, the channel is closed.
    """

    def __init__(
        self, stdin: "asyncio.Future[bytes]", receive: Receive, *, hold: bool = False
    ) -> None:
        self._stdin, self._receive, self._hold = stdin, receive, hold
        self.status: int | None = None
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        """Note the channel."""
        self.channel = chan

    def session_started(self) -> None:
        """Send the input, once there is one: the command has been accepted."""
        if self._stdin.done():
            self._send(self._stdin)
        else:
            self._stdin.add_done_callback(self._send)

    def _send(self, stdin: "asyncio.Future[bytes]") -> None:
        if self.channel is None:
            return
        if stdin.cancelled() or stdin.exception():
            self.leave()
            return
        with contextlib.suppress(OSError):  # closed meanwhile: connection_lost tells
            self.channel.write(stdin.result())
            if not self._hold:
                self.channel.write_eof()

    def leave(self) -> None:
        """Close the channel, whatever still goes on there."""
        if self.channel:
            self.channel.abort()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Hand on output."""
        if self.ended.done():
            return
        try:
            self._receive(data, datatype == asyncssh.EXTENDED_DATA_STDERR)
        except Exception as error:
            self.ended.set_exception(error)
            self.leave()

    def exit_status_received(self, status: int) -> None:
        """Note the exit status."""
        self.status = status

    def exit_signal_received(self, name: str, core: bool, message: str, lang: str) -> None:
        """Note the signal that ended it, as a shell counts it."""
        number = getattr(signal, f"SIG{name}", 0)
        self.status = 128 + number

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end; without an exit status the outcome stays unknown."""
        if not self.ended.done():
            self.ended.set_result(None)


def at_hand(stdin: bytes) -> "asyncio.Future[bytes]":
    """Return an input that is there already."""
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    future.set_result(stdin)
    return future


async def execute(connection: asyncssh.SSHClientConnection, command: str, work: Exec) -> int | None:
    """Run a command to its end and return its status, None when nobody saw how it ended.

    Raises asyncssh.ChannelOpenError before it has begun, and whatever its output is refused with.
    """
    try:
        await connection.create_session(lambda: work, command, encoding=None, request_pty=False)
    except asyncssh.ChannelOpenError:
        raise
    except Exception:
        # Lost, or broken by what the machine sent: some of that is no asyncssh.Error.
        return None
    else:
        await work.ended
        return work.status
    finally:
        work.leave()


class Relay:
    """Hands on what a command writes once it has started; until then it is kept in `early`."""

    def __init__(self, sink: Receive) -> None:
        self._sink = sink
        self.early = Capture()
        self.started = False

    def __call__(self, data: bytes, is_error: bool) -> None:
        """Hand on some output."""
        if self.started:
            self._sink(data, is_error)
            return
        self.early(data, is_error)
        before, mark, after = bytes(self.early.stderr).partition(STARTED)
        if mark:
            self.started = True
            if before or after:
                self._sink(before + after, True)
            if self.early.stdout:
                self._sink(bytes(self.early.stdout), False)

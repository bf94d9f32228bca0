"""What can be done over one connection: run, stream and deliver."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.bootstrap import run_command, started, stream_command
from sshfleet.transport.channels import Channels
from sshfleet.transport.files import Files, check_names
from sshfleet.transport.resolve import Route
from sshfleet.transport.session import Capture, Exec, Receive, Relay, at_hand, execute
from sshfleet.transport.shell_staging import folder_of, put_by_shell
from sshfleet.transport.staging import NoSftp
from sshfleet.transport.wording import one_line

PATIENCE = 5.0
"""Seconds beyond those of the run: the machine ends it by itself, and its answer travels."""

PUT_SECONDS = 30.0
SLOWEST = 8000
"""Bytes a second of the slowest upload that is waited for."""

UNKNOWN = 255
"""The status of a stream whose end nobody saw; ssh(1) says the same."""

CLOSING = 2.0
"""Seconds to say goodbye in."""


class Link:
    """A connection that is logged in."""

    def __init__(self, connection: asyncssh.SSHClientConnection, route: Route) -> None:
        self.connection, self.route = connection, route
        self.files = Files(connection)
        self._channels = Channels()

    @property
    def lost(self) -> bool:
        """Tell whether nothing more can be done over it."""
        return self.connection.is_closed()

    async def run(self, run: Run, *, sudo: bool) -> Completed:
        """Run a script to its end; raises TransportError."""
        command, stdin = run_command(run, sudo=sudo)
        completed = await self._ended(command, at_hand(stdin), run.seconds)
        return started(completed, self.route.name, self.route.user)

    async def deliver(
        self, files: Mapping[str, bytes], run: Run, data: Callable[[str], bytes], *, sudo: bool
    ) -> Completed:
        """Write files, and run a script with what `data` makes of their folder as its input.

        The script's shell is started while the files travel, and waits for its input.
        """
        check_names(files)
        if not await self._is_ready(limit := _put_seconds(files)):
            folder = await self._put(files)
            return await self.run(replace(run, data=data(folder)), sudo=sudo)
        seconds = run.seconds + limit
        command, script = run_command(replace(run, data=b"", seconds=seconds), sudo=sudo)

        async def put() -> bytes:
            return script + data(await self._put(files))

        putting = asyncio.create_task(put())
        try:
            completed = await self._ended(command, putting, seconds)
            await putting
        finally:
            putting.cancel()
        return started(completed, self.route.name, self.route.user)

    async def stream(self, run: Run, sink: Receive, *, sudo: bool) -> int:
        """Run a script and hand on what it writes, until it ends or this is cancelled."""
        command, stdin = stream_command(run, sudo=sudo)
        relay = Relay(sink)
        status = await self._execute(command, lambda: Exec(at_hand(stdin), relay, hold=True))
        if not relay.started:
            early = relay.early.completed(status)
            started(early, self.route.name, self.route.user)
        return UNKNOWN if status is None else status

    async def _is_ready(self, seconds: float) -> bool:
        """Tell whether files can go by SFTP."""
        try:
            async with asyncio.timeout(seconds):
                return await self.files.ready()
        except TimeoutError as error:
            raise self._unmanageable(f"SFTP did not begin within {seconds:g} s") from error

    async def _put(self, files: Mapping[str, bytes]) -> str:
        """Write files into the staging folder and return its absolute path."""
        limit = _put_seconds(files)
        try:
            async with asyncio.timeout(limit):
                try:
                    return await self.files.put(files)
                except NoSftp:
                    return folder_of(await self.run(put_by_shell(files, limit), sudo=False))
        except TimeoutError as error:
            raise self._unmanageable(f"files were not written within {limit:g} s") from error
        except TransportError:
            raise
        except Exception as error:
            if self.lost:
                message = f"the connection to {self.route.name} was lost while files were written"
                raise TransportError(Trouble.HUNG, message) from error
            why = f"{type(error).__name__}: {one_line(str(error))}"
            raise self._unmanageable(f"files could not be written: {why}") from error

    async def close(self) -> None:
        """Close the connection, by force if the machine does not let go."""
        self.files.close()
        self.connection.close()
        try:
            async with asyncio.timeout(CLOSING):
                await self.connection.wait_closed()
        except TimeoutError:
            self.connection.abort()

    async def _ended(
        self, command: str, stdin: "asyncio.Future[bytes]", seconds: float
    ) -> Completed:
        """Run a command to its end, which it comes to by itself after so many seconds."""
        capture, limit = Capture(), seconds + PATIENCE
        try:
            async with asyncio.timeout(limit):
                status = await self._execute(command, lambda: Exec(stdin, capture))
        except TimeoutError as error:
            raise self._unmanageable(f"a command did not end within {limit:g} s") from error
        return capture.completed(status)

    async def _execute(self, command: str, session: Callable[[], Exec]) -> int | None:
        """Run a command on a channel of its own; None when nobody saw how it ended."""
        while True:
            await self._channels.wait()
            with self._channels.held():
                try:
                    return await execute(self.connection, command, session())
                except asyncssh.ChannelOpenError as error:
                    if self.lost:
                        return None
                    # One session less of our own may be all it takes (MaxSessions, sshd_config(5)).
                    if not (await self.files.leave() or self._channels.refused()):
                        why = one_line(error.reason)
                        raise self._unmanageable(f"no session could be opened: {why}") from error

    def _unmanageable(self, what: str) -> TransportError:
        return TransportError(Trouble.UNMANAGEABLE, f"{self.route.name}: {what}")


def _put_seconds(files: Mapping[str, bytes]) -> float:
    return PUT_SECONDS + sum(map(len, files.values())) / SLOWEST

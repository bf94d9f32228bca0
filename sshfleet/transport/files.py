"""Files to one machine: SFTP, started once a connection; a script where there is none."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.transport.base import TransportError
from sshfleet.transport.staging import NoSftp, Staging, open_staging, sweep, write_files

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class Files:
    """The SFTP session of a connection, opened when first wanted."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection
        self._opening: asyncio.Task[Staging] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._given_up = False
        self._users = 0
        self._idle = asyncio.Event()

    def open(self) -> "asyncio.Task[Staging]":
        """Begin to open it, unless that has begun; nobody need wait for it."""
        if self._opening is None:
            self._opening = asyncio.create_task(open_staging(self._connection))
            self._opening.add_done_callback(_looked_at)
        return self._opening

    async def ready(self) -> bool:
        """Tell whether files can go by SFTP, once that is known; why not is told by `put`."""
        if self._given_up:
            return False
        done = await asyncio.gather(asyncio.shield(self.open()), return_exceptions=True)
        return isinstance(done[0], Staging)

    async def put(self, files: Mapping[str, bytes]) -> str:
        """Write files and return their folder; raises NoSftp, TransportError, asyncssh.Error."""
        if self._given_up:
            raise NoSftp
        self._users += 1
        self._idle.clear()
        try:
            staging = await asyncio.shield(self.open())
            now = await write_files(staging, files)
        except NoSftp:
            self._given_up = True
            raise
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(sweep(staging, now))
            self._sweeping.add_done_callback(_looked_at)
        return staging.path

    async def leave(self) -> bool:
        """Give SFTP up, for a server that allows no second session; False if there was none."""
        if self._given_up or self._opening is None:
            return False
        self._given_up = True
        while self._users:
            await self._idle.wait()
        done = await asyncio.gather(self._opening, return_exceptions=True)
        if isinstance(done[0], Staging):
            done[0].client.exit()
            await done[0].client.wait_closed()
        return True

    def close(self) -> None:
        """Stop what goes on behind."""
        for task in (self._opening, self._sweeping):
            if task:
                task.cancel()


def check_names(files: Mapping[str, bytes]) -> None:
    """Raise TransportError for a name that could mean anything but a file in the folder."""
    for name in files:
        if not SAFE_NAME.fullmatch(name):
            raise TransportError(Trouble.FAULT_HERE, f"{name!r} is no name for a staged file")


def _looked_at(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # told to whoever puts; if nobody does it is of no interest

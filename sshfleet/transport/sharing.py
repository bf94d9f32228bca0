"""Connections that many use: each opened once, closed when it is not wanted any more.

Rule 1: a connection is closed only while nobody uses it: early where it is not to be kept or others
wait for the open file that it holds, and at the end.
Rule 2: whoever gives up does not take the connection from the others who wait for it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sshfleet.model.observed import Trouble
from sshfleet.transport.base import TransportError
from sshfleet.transport.link import Link

PENALTY = 60.0
"""Seconds until a machine that refused our keys is tried again: each try may lock us out longer."""

Key = tuple[str, tuple[str, ...]]
"""The name of a machine, or of a jump host with the jump hosts on the way, itself among them."""

Begin = Callable[[], Coroutine[Any, Any, Link]]


@dataclass(slots=True, eq=False)
class _Shared:
    """A connection, open or in the making, and how many use it or wait for it."""

    opening: asyncio.Task[Link]
    users: int = 0
    not_before: float = 0.0

    @property
    def failed(self) -> bool:
        """Tell whether it could not be opened."""
        task = self.opening
        return task.done() and (task.cancelled() or task.exception() is not None)

    @property
    def link(self) -> Link | None:
        """Return it if it was opened; it may be lost by now."""
        return self.opening.result() if self.opening.done() and not self.failed else None

    def is_spent(self) -> bool:
        """Tell whether the next who asks needs a new one."""
        if link := self.link:
            return link.lost
        return self.failed and asyncio.get_running_loop().time() >= self.not_before

    def note(self, task: asyncio.Task[Link]) -> None:
        """Look at how opening it ended."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, TransportError) and error.trouble is Trouble.AUTH:
            self.not_before = asyncio.get_running_loop().time() + PENALTY


class Sharing:
    """All connections, by key: at most so many files are open for them."""

    def __init__(self, files: int, *, keep: bool) -> None:
        self._files, self._keep = asyncio.Semaphore(files), keep
        self._holding: set[Link] = set()
        self._shared: dict[Key, _Shared] = {}
        self._idle: dict[Key, _Shared] = {}

    @asynccontextmanager
    async def using(self, key: Key, begin: Begin) -> AsyncIterator[Link]:
        """Use a connection, opened by `begin` if need be; raises what that raises."""
        shared = self._get(key, begin)
        shared.users += 1
        self._idle.pop(key, None)
        try:
            yield await asyncio.shield(shared.opening)
        finally:
            shared.users -= 1
            await self._leave(key, shared)

    async def keeping(self, key: Key, begin: Begin) -> Link:
        """Return a connection that is used to the end."""
        shared = self._get(key, begin)
        shared.users += 1
        return await asyncio.shield(shared.opening)

    async def with_file(self, open_it: Callable[[], Awaitable[Link]]) -> Link:
        """Open a connection that holds a file, when there may be one more of these."""
        if self._files.locked() and self._idle:
            await self._shut(*next(iter(self._idle.items())))
        await self._files.acquire()
        try:
            link = await open_it()
        except BaseException:
            self._files.release()
            raise
        self._holding.add(link)
        return link

    async def close(self) -> None:
        """Close all, those behind jump hosts before the jump hosts."""
        by_way: dict[int, list[tuple[Key, _Shared]]] = defaultdict(list)
        for key, shared in self._shared.items():
            shared.opening.cancel()  # has no effect on those that are open
            by_way[len(key[1])].append((key, shared))
        for length in (0, *sorted(set(by_way) - {0}, reverse=True)):
            await asyncio.gather(*(self._shut(*one) for one in by_way[length]))

    def _get(self, key: Key, begin: Begin) -> _Shared:
        shared = self._shared.get(key)
        if shared is None or shared.is_spent():
            if shared and shared.link:
                self._give_back(shared.link)
            shared = self._shared[key] = _Shared(asyncio.create_task(begin()))
            shared.opening.add_done_callback(shared.note)
        return shared

    async def _leave(self, key: Key, shared: _Shared) -> None:
        if shared.users or shared.failed:
            return
        if self._keep and not self._files.locked():
            self._idle[key] = shared
        else:
            await self._shut(key, shared)

    async def _shut(self, key: Key, shared: _Shared) -> None:
        """Close a connection, or give its opening up."""
        self._idle.pop(key, None)
        if self._shared.get(key) is shared:
            del self._shared[key]
        shared.opening.cancel()
        await asyncio.wait({shared.opening})
        if link := shared.link:
            try:
                await link.close()
            finally:
                self._give_back(link)

    def _give_back(self, link: Link) -> None:
        """Let another connection have its file."""
        if link in self._holding:
            self._holding.remove(link)
            self._files.release()

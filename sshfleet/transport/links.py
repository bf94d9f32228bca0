"""One connection a machine: opened when first needed, shared by all who ask, opened anew if lost.

Jump hosts are connected to in the same way, once each, and a few logins at a time go through one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble
from sshfleet.model.standing import SILENCE
from sshfleet.transport.base import TransportError
from sshfleet.transport.link import Link
from sshfleet.transport.login import Door
from sshfleet.transport.opinion import is_there
from sshfleet.transport.resolve import Resolver, Route

THROUGH_ONE_HOP = 8
"""Logins at once through a jump host: fewer than the MaxStartups of what is behind it."""

PENALTY = 60.0
"""Seconds until a machine that refused our keys is tried again: each try may lock us out longer."""

SAYS_NOTHING_OF_THE_MACHINE = frozenset(
    {Trouble.SILENT, Trouble.HUNG, Trouble.NO_SSHD, Trouble.THROTTLED}
)
"""What a jump host suffers from, and the machines behind it perhaps not."""

Chain = tuple[str, ...]
"""The jump hosts on the way, in the order they are passed."""


class Links:
    """All connections of a run."""

    def __init__(self, door: Door, resolver: Resolver, at_once: int) -> None:
        self._door, self._resolver = door, resolver
        self._at_once = asyncio.Semaphore(at_once)
        self._through: dict[Chain, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(THROUGH_ONE_HOP)
        )
        self._opening: dict[tuple[str, Chain], asyncio.Task[Link]] = {}
        self._refused: dict[tuple[str, Chain], float] = {}

    async def to(self, machine: Machine) -> Link:
        """Return the connection to a machine; raises TransportError."""
        return await self._shared((machine.name, ()), lambda: self._to_machine(machine))

    async def close(self) -> None:
        """Close all connections, those through jump hosts before the jump hosts."""
        tasks = list(self._opening.items())
        self._opening.clear()
        for _key, task in tasks:
            task.cancel()  # has no effect on those that are open
        await asyncio.gather(*(task for _key, task in tasks), return_exceptions=True)
        longest_first = sorted({len(chain) for (_name, chain), _task in tasks}, reverse=True)
        for length in (0, *(length for length in longest_first if length)):
            await asyncio.gather(
                *(
                    task.result().close()
                    for (_name, chain), task in tasks
                    if len(chain) == length and _is_open(task)
                )
            )

    async def _shared(
        self, key: tuple[str, Chain], begin: Callable[[], Coroutine[Any, Any, Link]]
    ) -> Link:
        task = self._opening.get(key)
        if task is None or self._is_spent(key, task):
            task = self._opening[key] = asyncio.create_task(begin())
            task.add_done_callback(lambda done: self._note(key, done))
        return await asyncio.shield(task)

    def _is_spent(self, key: tuple[str, Chain], task: asyncio.Task[Link]) -> bool:
        if not task.done():
            return False
        if _is_open(task):
            return task.result().lost
        return asyncio.get_running_loop().time() >= self._refused.get(key, 0)

    def _note(self, key: tuple[str, Chain], task: asyncio.Task[Link]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, TransportError) and error.trouble is Trouble.AUTH:
            self._refused[key] = asyncio.get_running_loop().time() + PENALTY

    async def _to_machine(self, machine: Machine) -> Link:
        route = await self._resolver.machine(machine)
        return await self._through_chain(route, route.jump, ())

    async def _through_chain(self, route: Route, chain: Chain, passed: Chain) -> Link:
        """Log in to what lies behind a chain of jump hosts."""
        if not chain:
            async with self._at_once:
                return Link(await self._door.log_in(route), route)
        hop = await self._hop(chain, passed, route.name)
        async with self._through[chain], self._at_once:
            try:
                return Link(await self._door.log_in(route, hop.connection), route)
            except TransportError as error:
                if error.trouble in SILENCE and not await is_there(hop.connection):
                    message = f"jump host {chain[-1]} of {route.name} does not answer any more"
                    raise TransportError(Trouble.UNMANAGEABLE, message) from error
                raise

    async def _hop(self, chain: Chain, passed: Chain, target: str) -> Link:
        """Return the connection to the last jump host of a chain."""
        name, seen = chain[-1], (*passed, *chain)

        async def begin() -> Link:
            route = await self._resolver.hop(name)
            # What was said for this way goes before what ssh_config says of the jump host itself,
            # which with `Host *` may well be: through itself.
            own = tuple(hop for hop in route.jump if hop not in seen)
            return await self._through_chain(route, chain[:-1] or own, seen)

        try:
            return await self._shared((name, chain), begin)
        except TransportError as error:
            silent = error.trouble in SAYS_NOTHING_OF_THE_MACHINE
            trouble = Trouble.UNMANAGEABLE if silent else error.trouble
            message = f"jump host {name} of {target}: {error.message}"
            raise TransportError(trouble, message, hint=error.hint) from error


def _is_open(task: asyncio.Task[Link]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None

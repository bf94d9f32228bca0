"""One connection a machine: opened when first needed, shared by all who ask, opened anew if lost.

Jump hosts are connected to in the same way, once each, and a few logins at a time go through one.
"""

import asyncio
from collections import defaultdict
from contextlib import AbstractAsyncContextManager

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble
from sshfleet.model.standing import SILENCE
from sshfleet.transport.base import TransportError
from sshfleet.transport.link import Link
from sshfleet.transport.login import Door, Through
from sshfleet.transport.opinion import is_there
from sshfleet.transport.resolve import Resolver, Route
from sshfleet.transport.sharing import Sharing
from sshfleet.transport.turns import Turns

THROUGH_ONE_HOP = 8
"""Logins at once through a jump host: fewer than the MaxStartups of what is behind it."""

PREPARING = 4
"""Machines prepared in one round of the event loop: all that time no answer is heard."""

SAYS_NOTHING_OF_THE_MACHINE = frozenset(
    {Trouble.SILENT, Trouble.HUNG, Trouble.NO_SSHD, Trouble.THROTTLED}
)
"""What a jump host suffers from, and the machines behind it perhaps not."""

Chain = tuple[str, ...]
"""The jump hosts on the way, in the order they are passed."""


class Links:
    """All connections of a run."""

    def __init__(self, door: Door, resolver: Resolver, sharing: Sharing) -> None:
        self._door, self._resolver, self._sharing = door, resolver, sharing
        self._preparing = asyncio.Semaphore(PREPARING)
        self._turns: dict[Chain, Turns] = defaultdict(lambda: Turns(THROUGH_ONE_HOP))

    def using(self, machine: Machine) -> AbstractAsyncContextManager[Link]:
        """Use the connection to a machine; raises TransportError."""
        return self._sharing.using((machine.name, ()), lambda: self._to_machine(machine))

    async def close(self) -> None:
        """Close all connections."""
        await self._sharing.close()

    async def _to_machine(self, machine: Machine) -> Link:
        async with self._preparing:
            await asyncio.sleep(0)  # to hear the others: thousands begin at the same instant
            route = await self._resolver.machine(machine)
        return await self._through_chain(route, route.jump, ())

    async def _through_chain(self, route: Route, chain: Chain, passed: Chain) -> Link:
        """Log in to what lies behind a chain of jump hosts."""
        if not chain:
            return await self._sharing.with_file(lambda: self._directly(route))
        hop = await self._hop(chain, passed, route.name)
        try:
            through = Through(hop.connection, self._turns[chain])
            return Link(await self._door.log_in(route, through), route)
        except TransportError as error:
            if error.trouble in SILENCE and not await is_there(hop.connection):
                message = f"jump host {chain[-1]} of {route.name} does not answer any more"
                raise TransportError(Trouble.UNMANAGEABLE, message) from error
            raise

    async def _directly(self, route: Route) -> Link:
        return Link(await self._door.log_in(route), route)

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
            return await self._sharing.keeping((name, chain), begin)
        except TransportError as error:
            silent = error.trouble in SAYS_NOTHING_OF_THE_MACHINE
            trouble = Trouble.UNMANAGEABLE if silent else error.trouble
            message = f"jump host {name} of {target}: {error.message}"
            raise TransportError(trouble, message, hint=error.hint) from error

"""Look at machines, all at once; one that does not answer is a value, not an exception."""

import asyncio
from collections.abc import Iterable

from sshfleet.exchange import exchange
from sshfleet.model.machine import Machine, MachineName
from sshfleet.model.observed import Observed, Unreachable
from sshfleet.model.unit import UnitName
from sshfleet.systemd.transaction import Transaction
from sshfleet.transport.base import Transport


async def observe(
    transport: Transport, machines: Iterable[Machine], look: Iterable[UnitName] = ()
) -> Observed:
    """Probe machines: one round trip each, all at the same time.

    `look` names units to report even where they are not ours (to see names that are taken).
    """
    asked = tuple(machines)
    transaction = Transaction(look=tuple(look))
    replies = await asyncio.gather(*(exchange(transport, one, transaction) for one in asked))
    return Observed(
        {
            MachineName(machine.name): reply if isinstance(reply, Unreachable) else reply.report
            for machine, reply in zip(asked, replies, strict=True)
        }
    )

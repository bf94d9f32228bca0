"""Look at machines, all at once; one that does not answer is a value, not an exception."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from sshfleet.exchange import exchange
from sshfleet.model.machine import Machine, MachineName
from sshfleet.model.observed import Observed, Reached, Report, Unreachable
from sshfleet.model.unit import UnitName
from sshfleet.systemd.transaction import Transaction
from sshfleet.transport.base import Transport

Met = Callable[[Machine, Reached], Awaitable[None]]
"""Is told of each machine as soon as it has answered, while others have not."""


async def observe(
    transport: Transport,
    machines: Iterable[Machine],
    look: Iterable[UnitName] = (),
    met: Met | None = None,
) -> Observed:
    """Probe machines: one round trip each, all at the same time.

    `look` names units to report even where they are not ours (to see names that are taken).
    """
    transaction = Transaction(look=tuple(look))

    async def ask(machine: Machine) -> tuple[MachineName, Report]:
        reply = await exchange(transport, machine, transaction)
        report = reply if isinstance(reply, Unreachable) else reply.report
        if met and isinstance(report, Reached):
            await met(machine, report)
        return machine.name, report

    return Observed(dict(await asyncio.gather(*map(ask, machines))))

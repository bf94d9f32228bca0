"""Look at machines, all at once; one that does not answer is a value, not an exception."""

import asyncio
import secrets
from collections.abc import Iterable

from sshfleet.model.machine import Machine, MachineName
from sshfleet.model.observed import Observed, Reached, Trouble, Unreachable
from sshfleet.model.unit import UnitName
from sshfleet.systemd.reply import Reply, ReplyError, parse_reply
from sshfleet.systemd.transaction import Transaction, request
from sshfleet.transport.base import Transport, TransportError


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


async def exchange(
    transport: Transport, machine: Machine, transaction: Transaction
) -> Reply | Unreachable:
    """Carry one transaction to a machine and read its reply."""
    nonce = secrets.token_hex(8)
    try:
        completed = await transport.run(machine, request(transaction, nonce))
        reply = parse_reply(completed, nonce)
    except TransportError as error:
        return error.report()
    except ReplyError as error:
        return Unreachable(trouble=Trouble.UNMANAGEABLE, detail=error.message, hint=error.hint)
    return _identified(machine, reply)


def _identified(machine: Machine, reply: Reply) -> Reply | Unreachable:
    """Refuse a machine that is not the one the inventory pins."""
    report: Reached = reply.report
    if machine.machine_id and report.machine != machine.machine_id:
        return Unreachable(
            trouble=Trouble.UNMANAGEABLE,
            detail=f"is machine {report.machine}, the inventory says {machine.machine_id}",
            hint=f"check the address of {machine.name}, or mend its machine_id in the inventory",
        )
    return reply

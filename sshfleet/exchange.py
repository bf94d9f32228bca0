"""One transaction with one machine: whatever goes wrong with it becomes a value here."""

import secrets

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble, Unreachable, of_another
from sshfleet.systemd.reply import Owned, Reply, ReplyError, parse_reply
from sshfleet.systemd.transaction import Transaction, request
from sshfleet.transport.base import Transport, TransportError


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
    except Owned as refusal:
        return of_another(refusal.owner)
    except ReplyError as error:
        return Unreachable(trouble=Trouble.UNMANAGEABLE, detail=error.message, hint=error.hint)
    return _identified(machine, reply)


def _identified(machine: Machine, reply: Reply) -> Reply | Unreachable:
    """Refuse a machine that is not the one the inventory pins."""
    report = reply.report
    if machine.machine_id and report.machine != machine.machine_id:
        return Unreachable(
            trouble=Trouble.UNMANAGEABLE,
            detail=f"is machine {report.machine}, the inventory says {machine.machine_id}",
            hint=f"check the address of {machine.name}, or mend its machine_id in the inventory",
        )
    return reply

"""One transaction with one machine: whatever goes wrong with it becomes a value here."""

import secrets
from collections.abc import Mapping
from dataclasses import replace

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble, Unreachable, of_another
from sshfleet.systemd.reply import Owned, Reply, ReplyError, parse_reply
from sshfleet.systemd.transaction import Transaction, request
from sshfleet.transport.base import Transport, TransportError


async def exchange(
    transport: Transport,
    machine: Machine,
    transaction: Transaction,
    files: Mapping[str, bytes] | None = None,
) -> Reply | Unreachable:
    """Carry one transaction to a machine, with the texts it needs there, and read its reply."""
    nonce = secrets.token_hex(8)

    def staged(folder: str) -> bytes:
        return request(replace(transaction, staging=folder), nonce).data

    try:
        run = request(transaction, nonce)
        if files:
            completed = await transport.deliver(machine, files, replace(run, data=b""), staged)
        else:
            completed = await transport.run(machine, run)
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

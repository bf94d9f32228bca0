"""The first look of a run: at whom, about what, and when others have done with a machine.

Rule 1: leases are renewed as soon as a machine answers, not when the last one has.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from sshfleet.command import Command, Setup
from sshfleet.leases import Keeper
from sshfleet.model.desired import fold
from sshfleet.model.machine import Machine
from sshfleet.model.observed import Observed, Reached, Trouble, Unreachable
from sshfleet.model.unit import UnitName
from sshfleet.observe import observe
from sshfleet.plan.leases import leased
from sshfleet.plan.reach import may_get_a_machine
from sshfleet.transport.base import Transport

BUSY = 20.0  # seconds to wait for another run to end its work on a machine
PAUSE = 0.2  # seconds between two looks for that

_AT_WORK = Unreachable(
    trouble=Trouble.UNMANAGEABLE,
    detail="another sshfleet is at work there",
    hint="try again when it is done",
)


async def look(
    setup: Setup, command: Command, transport: Transport, keeper: Keeper | None
) -> Observed:
    """Look at the machines; a real run waits for those that another run is changing just now."""
    clock, asked = asyncio.get_running_loop().time, _asked_about(setup, command)
    if keeper:
        await keeper.cover(leased(setup.world(Observed())))
    met = keeper.met if keeper else None
    observed, end = await observe(transport, command.contact, asked, met), clock() + BUSY
    while setup.journal.durable and (busy := _busy(observed, command.contact)):
        if clock() > end:
            return observed.merged(Observed({one.name: _AT_WORK for one in busy}))
        await asyncio.sleep(PAUSE)
        observed = observed.merged(await observe(transport, busy, asked))
    return observed


def _busy(observed: Observed, machines: Iterable[Machine]) -> list[Machine]:
    found = []
    for machine in machines:
        report = observed.reports.get(machine.name)
        if isinstance(report, Reached) and report.busy:
            found.append(machine)
    return found


def _asked_about(setup: Setup, command: Command) -> list[UnitName]:
    """Name the units of which every machine must tell what it has: is their name free there?"""
    world = setup.world(Observed())
    units = world.desired.units
    asked = {
        name
        for name in command.scope
        if name not in units
        or not units[name].placements
        or world.units[name].requirements.is_global
    }
    if command.place:
        desired = fold(world.desired, command.decide(world).events)
        foreseen = replace(world, desired=desired, units=setup.read(desired))
        asked |= may_get_a_machine(foreseen, command.scope)
    return sorted(asked)

"""What if: the world without a machine, or with one more. Nothing is contacted, nothing is changed.

Rule 1: a lost machine is gone for good, as if the admin vouched for it: what was there is placed
elsewhere where its rules allow.
Rule 2: a machine that comes answers, is empty, and has the metadata it is given and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sshfleet.model.desired import fold
from sshfleet.model.event import Event, MachineSeen, UnitRemoved, UnitUnplaced
from sshfleet.model.machine import Machine, MachineId, MachineName
from sshfleet.model.observed import Observed, Reached, Trouble, Unreachable
from sshfleet.model.unit import UnitName
from sshfleet.plan.world import World


@dataclass(frozen=True, slots=True)
class Lost:
    """A unit that was placed on a machine that is lost."""

    unit: UnitName
    machine: MachineName
    machine_id: MachineId


def as_last_seen(world: World) -> World:
    """Let machines that were never seen be silent."""
    reports = {
        machine.name: world.observed.reports.get(machine.name)
        or Unreachable(trouble=Trouble.SILENT, detail="was never seen")
        for machine in world.fleet.machines
    }
    return replace(world, observed=Observed(reports))


def without(world: World, name: MachineName) -> tuple[World, list[Lost]]:
    """Take a machine away, and with it all that was there."""
    report = world.observed.reports.get(name)
    id_ = report.machine if isinstance(report, Reached) else world.desired.id_of(name)
    lost, events = list[Lost](), list[Event]()
    for unit in sorted(world.desired.units.values(), key=lambda each: each.name):
        if id_ and id_ in unit.placements:
            lost.append(Lost(unit.name, name, id_))
            events.append(UnitUnplaced(unit.name, id_, f"lost with {name}"))
        if id_ and id_ in unit.holders:
            events.append(UnitRemoved(unit.name, id_))
    machines = tuple(one for one in world.fleet.machines if one.name != name)
    reports = {other: seen for other, seen in world.observed.reports.items() if other != name}
    gone = replace(
        world,
        fleet=replace(world.fleet, machines=machines),
        desired=fold(world.desired, events),
        observed=Observed(reports),
    )
    return gone, lost


def with_one_more(world: World, metadata: Mapping[str, str]) -> World:
    """Add a machine with this metadata: `new-1`, or the first such name that is free."""
    number = 1
    while world.fleet.machine(f"new-{number}"):
        number += 1
    name = MachineName(f"new-{number}")
    id_ = MachineId(f"{'f' * 24}{number:08x}")  # after all others of the same load
    machine = Machine(name=name, address=name, metadata=metadata)
    report = Reached(
        machine=id_, boot_id="", uptime=0.0, os="", arch="", systemd=0, cpus=0, memory=0
    )
    return replace(
        world,
        fleet=replace(world.fleet, machines=(*world.fleet.machines, machine)),
        desired=fold(world.desired, [MachineSeen(id_, name, name)]),
        observed=Observed({**world.observed.reports, name: report}),
    )

"""Which machines a run needs to ask, and what their answers say about who they are."""

from collections.abc import Iterable, Iterator

from sshfleet.model.desired import DesiredState, KnownMachine
from sshfleet.model.event import MachineSeen
from sshfleet.model.machine import Fleet, Machine
from sshfleet.model.observed import Observed, Reached, Trouble, Unreachable
from sshfleet.model.unit import UnitName


def contacted(fleet: Fleet, state: DesiredState, scope: Iterable[UnitName]) -> tuple[Machine, ...]:
    """Return the machines that may hold a copy of these units.

    That is any of them when it is not known which one a holder is by now: it may answer under a
    name that is new in the inventory.
    """
    holders = {
        machine
        for name in scope
        if (unit := state.units.get(name))
        for machine in unit.holders | unit.placements
    }
    names = {known.name if (known := state.machines.get(one)) else "" for one in holders}
    if any(fleet.machine(name) is None for name in names):
        return fleet.machines
    return tuple(machine for machine in fleet.machines if machine.name in names)


def placed_on(fleet: Fleet, state: DesiredState, name: UnitName) -> list[Machine]:
    """Return the machines of the inventory that a unit is placed on; none when it is not known."""
    unit = state.units.get(name)
    placements = unit.placements if unit else frozenset()
    names = {known.name for one in placements if (known := state.machines.get(one))}
    return [machine for machine in fleet.machines if machine.name in names]


def all_silent(fleet: Fleet, observed: Observed) -> bool:
    """Tell whether every machine of a fleet was asked and none gave a sign of life.

    Then the fault is most likely on this side, and nothing may be concluded about any machine.
    """
    silent = (Trouble.SILENT, Trouble.HUNG, Trouble.FAULT_HERE)
    reports = [observed.reports.get(machine.name) for machine in fleet.machines]
    return len(reports) > 1 and all(
        isinstance(report, Unreachable) and report.trouble in silent for report in reports
    )


def newly_seen(fleet: Fleet, state: DesiredState, observed: Observed) -> Iterator[MachineSeen]:
    """Yield what is new about which inventory name is which machine."""
    known = state.machines
    for name, report in sorted(observed.reached().items()):
        machine = fleet.machine(name)
        address = machine.address if machine else ""
        before = known.get(report.machine)
        if before and before.name != name and _is_claimed(fleet, observed, before):
            continue
        if before is None or (before.name, before.address) != (name, address):
            yield MachineSeen(report.machine, name, address)


def _is_claimed(fleet: Fleet, observed: Observed, known: KnownMachine) -> bool:
    """Tell whether an ID belongs to another name of the inventory: this may be a clone of it.

    That name has lost the ID when it is no longer there, or was just seen to be another machine.
    """
    report = observed.reports.get(known.name)
    lost = isinstance(report, Reached) and report.machine != known.id
    return fleet.machine(known.name) is not None and not lost

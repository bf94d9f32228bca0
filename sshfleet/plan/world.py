"""Everything a plan is made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import Fleet, MachineId, MachineName
from sshfleet.model.observed import Observed
from sshfleet.model.unit import Unit, UnitName


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The inventory, the journal's state with its unit texts read, and the latest look."""

    fleet: Fleet
    desired: DesiredState
    units: Mapping[UnitName, Unit]
    observed: Observed

    def name_of(self, machine: MachineId) -> MachineName | None:
        """Return the inventory name of a machine, None when the inventory does not have it."""
        seen = self.observed.by_id().get(machine)
        if seen:
            return seen[0]
        known = self.desired.machines.get(machine)
        return known.name if known and self.fleet.machine(known.name) else None

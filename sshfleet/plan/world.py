"""Everything a plan is made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import Fleet, MachineId, MachineName
from sshfleet.model.observed import Observed, Reached
from sshfleet.model.unit import Unit, UnitName


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The inventory, the journal's state with its unit texts read, and the latest look."""

    fleet: Fleet
    desired: DesiredState
    units: Mapping[UnitName, Unit]
    observed: Observed

    def identified(self) -> dict[MachineId, tuple[MachineName, Reached]]:
        """Return the machines that answered and are the ones the journal knows by that ID.

        One that answers with the ID of another machine of the inventory may be a clone of it.
        """
        machines = self.desired.machines
        return {
            id_: (name, report)
            for id_, (name, report) in self.observed.by_id().items()
            if id_ not in machines or machines[id_].name == name
        }

    def last_name_of(self, machine: MachineId) -> MachineName:
        """Return the inventory name a machine was last seen under, or else its short ID."""
        known = self.desired.machines.get(machine)
        return known.name if known and known.name else MachineName(f"{machine[:8]}...")

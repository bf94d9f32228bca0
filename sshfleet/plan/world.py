"""Everything a plan is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import Fleet, MachineId, MachineName
from sshfleet.model.observed import Observed, Reached
from sshfleet.model.standing import Standing
from sshfleet.model.unit import Unit, UnitName


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The inventory, the journal's state with its unit texts read, and the latest look.

    `standings` is how machines have stood over several looks. `leases` tells in how many seconds
    what runs on a machine under a lease will surely have ended, negative when it has. Machines that
    others can reach are `alive_to_others`; those `renewed` have taken a lease from this run; those
    `fenced` were to be switched off: empty when they are, else why not.
    """

    fleet: Fleet
    desired: DesiredState
    units: Mapping[UnitName, Unit]
    observed: Observed
    standings: Mapping[MachineName, Standing] = field(default_factory=dict)
    leases: Mapping[MachineId, float] = field(default_factory=dict)
    alive_to_others: frozenset[MachineName] = frozenset()
    renewed: frozenset[MachineId] = frozenset()
    fenced: Mapping[MachineName, str] = field(default_factory=dict)

    def identified(self) -> dict[MachineId, tuple[MachineName, Reached]]:
        """Return the machines that answered and are the ones the journal knows by that ID."""
        every = {id_: self.answer_of(id_) for id_ in self.observed.by_id()}
        return {id_: answer for id_, answer in every.items() if answer}

    def answer_of(self, machine: MachineId) -> tuple[MachineName, Reached] | None:
        """Return what a machine answered, and under which name; None when it did not.

        Who answers with the ID of another machine of the inventory may be a clone of it.
        """
        known, answer = self.desired.machines.get(machine), self.observed.by_id().get(machine)
        is_clone = known and answer and known.name != answer[0]
        return None if is_clone else answer

    def last_name_of(self, machine: MachineId) -> MachineName:
        """Return the inventory name a machine was last seen under, or else its short ID."""
        known = self.desired.machines.get(machine)
        return known.name if known and known.name else MachineName(f"{machine[:8]}...")

    def why_away(self, machine: MachineName) -> str:
        """Say why nothing can be known or done on a machine now."""
        report = self.observed.reports.get(machine)
        if report is None:
            listed = self.fleet.machine(machine) is not None
            return "was not asked" if listed else "no machine of the inventory answers with this ID"
        if isinstance(report, Reached):
            return "answers with the machine ID of another machine"
        return report.detail

"""Where a machine of a lab lives on this computer, and how it is."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sshfleet.lab import cgroup, network
from sshfleet.lab.spec import LabMachine
from sshfleet.lab.state import LabState, folder


class Condition(StrEnum):
    """What `lab status` says of a machine; the first that holds."""

    OFF = "off"
    PARTITIONED = "partitioned"
    FROZEN = "frozen"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Body:
    """A machine together with the names of all that makes it; everything else is looked up."""

    state: LabState
    machine: LabMachine

    @property
    def lab(self) -> str:
        """Return the lab's name."""
        return self.state.spec.name

    @property
    def cgroup(self) -> Path:
        """Return its branch of the cgroup tree."""
        return cgroup.folder(self.lab) / self.machine.name

    @property
    def link(self) -> str:
        """Return the host's end of its wire."""
        return network.link(self.lab, self.machine.number)

    @property
    def console(self) -> Path:
        """Return the file its boot script and console write to."""
        return folder(self.lab) / f"{self.machine.name}.console"

    @property
    def condition(self) -> Condition:
        """Look how the machine is."""
        if not cgroup.is_populated(self.cgroup):
            return Condition.OFF
        if not network.is_up(self.link):
            return Condition.PARTITIONED
        return Condition.FROZEN if cgroup.is_frozen(self.cgroup) else Condition.RUNNING

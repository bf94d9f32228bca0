"""A lab: a few machines as real as it gets without hardware, and what can befall them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from sshfleet.errors import UsageError
from sshfleet.lab import agent, cgroup, create, needs, network, remove, state
from sshfleet.lab.body import Body, Condition
from sshfleet.lab.create import Tell
from sshfleet.lab.inside import execute
from sshfleet.lab.machine import cut_power, start
from sshfleet.lab.spec import LabMachine, LabSpec, check_name


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is up; it outlives this object and this process."""

    state: state.LabState

    @classmethod
    def up(cls, spec: LabSpec, tell: Tell) -> "Lab":
        """Boot a lab, or boot and heal what is off in it; return when every sshd answers."""
        return cls(create.up(spec, tell))

    @classmethod
    def find(cls, name: str) -> "Lab":
        """Return the lab of that name. UsageError when there is none."""
        check_name(name)
        needs.check_root()
        known = state.load(name)
        if known is None or not known.complete:
            raise UsageError(f"there is no lab {name}", hint=f"sshfleet lab up --name {name}")
        return cls(known)

    @property
    def name(self) -> str:
        """Return the lab's name."""
        return self.state.spec.name

    @property
    def run_folder(self) -> Path:
        """Return the folder of its state, agent and consoles."""
        return state.folder(self.name)

    @property
    def machines(self) -> tuple[LabMachine, ...]:
        """Return its machines, in order."""
        return self.state.machines

    @property
    def inventory(self) -> Path:
        """Return the inventory `up` wrote."""
        return self.state.inventory

    @property
    def agent_socket(self) -> Path:
        """Return the socket of the ssh-agent that holds the lab's key."""
        return agent.socket(self.run_folder)

    def partition(self, machine: str) -> None:
        """Let nothing through to the machine, nor from it; a no-op when it is so."""
        network.set_up(self._running(machine).link, up=False)

    def heal(self, machine: str) -> None:
        """End a partition; a no-op without one."""
        network.set_up(self._running(machine).link, up=True)

    def kill(self, machine: str) -> None:
        """Cut the power of the machine; a no-op when it is off."""
        cut_power(self._body(machine))

    def boot(self, machine: str) -> None:
        """Make the machine run and reachable, on the disk it had; return when its sshd answers."""
        start(self._body(machine))

    def freeze(self, machine: str) -> None:
        """Stop every process of the machine; its kernel still accepts connections."""
        cgroup.freeze(self._running(machine).cgroup, frozen=True)

    def thaw(self, machine: str) -> None:
        """Continue every process of the machine."""
        cgroup.freeze(self._running(machine).cgroup, frozen=False)

    def run(
        self, machine: str, *argv: str, check: bool = True, input: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command as root inside the machine, without SSH or network.

        CalledProcessError when it fails and `check` is on; SshfleetError when the machine is off.
        """
        return execute(self._body(machine), argv, check=check, input=input)

    def status(self) -> dict[str, Condition]:
        """Look how each machine is, in order."""
        return {each.name: self._body(each.name).condition for each in self.machines}

    def down(self) -> None:
        """Remove the lab completely; a no-op when it is gone."""
        remove.down(self.name)

    def _running(self, name: str) -> Body:
        body = self._body(name)
        if body.condition is Condition.OFF:
            raise UsageError(f"{name} is off", hint=f"sshfleet lab boot {name} --name {self.name}")
        return body

    def _body(self, name: str) -> Body:
        for each in self.machines:
            if each.name == name:
                return Body(self.state, each)
        raise UsageError(
            f"lab {self.name} has no machine {name}",
            hint=f"it has {self.machines[0].name} to {self.machines[-1].name}",
        )

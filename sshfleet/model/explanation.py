"""Why a unit runs where it does, or nowhere: every machine, every rule, and what is nearest.

Rule 1: data only. `plan.explain` finds it out, `render` shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One machine: what each rule has against the unit there; no rule is left out.

    `units` counts those that are on it, the unit itself left out; `here` tells whether it is placed
    there.
    """

    machine: MachineName
    machine_id: MachineId
    units: int
    here: bool
    rules: Mapping[str, tuple[str, ...]]

    @property
    def qualifies(self) -> bool:
        """Tell whether no rule speaks against it."""
        return not any(self.rules.values())


@dataclass(frozen=True, slots=True)
class Miss:
    """Without these rules, each as the unit file has it, these machines would qualify."""

    without: tuple[str, ...]
    machines: tuple[MachineName, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What a run would decide: a placement that begins or ends, and why."""

    machine: MachineName
    machine_id: MachineId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All about where a unit may run. `beside` are units that are placed together with it, as one.

    `asked` has its rules; `places` is where it is placed, be it on a machine that the inventory
    does not have any more; `comes` and `leaves` are what a run would decide now, `pushes_off` the
    units that would leave a machine for it.
    """

    unit: UnitName
    is_global: bool
    asked: tuple[str, ...]
    beside: tuple[UnitName, ...]
    places: tuple[MachineId, ...]
    machines: tuple[Judged, ...]
    comes: tuple[Step, ...]
    leaves: tuple[Step, ...]
    pushes_off: tuple[UnitName, ...]
    misses: tuple[Miss, ...]

    @property
    def runs_somewhere(self) -> bool:
        """Tell whether it is on a machine where it may stay, or would come to one."""
        left = {step.machine_id for step in self.leaves}
        return bool(self.comes) or any(place not in left for place in self.places)

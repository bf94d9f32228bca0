"""Leases: which units each machine may run for a while without hearing from us.

Rule 1: a lease covers what is placed on the machine now and nothing else: what was placed elsewhere
meanwhile must never be started there again.
Rule 2: `LEEWAY` is all that may pass between the end of a lease and the end of what ran under it:
the guard looks every `SWEEP` seconds, and units may take their time to stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sshfleet.model.desired import DesiredState, DesiredUnit
from sshfleet.model.machine import FailoverMode, FailoverPolicy, MachineId
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.mode import mode_of
from sshfleet.plan.world import World
from sshfleet.unitfile.keys import Key

SWEEP = 6.0  # seconds between two looks of the guard, with the accuracy of its timer
DRIFT = 0.01  # how much slower than here a machine's clock may run
SPARE = 5.0  # seconds
ROUNDING = (
    1.0  # by as much may a promise be longer than it was reckoned, and no lease may grow by it
)


@dataclass(frozen=True, slots=True)
class Leased:
    """The units of a machine that run under its lease; `stopping`: how long they take to end."""

    units: tuple[UnitName, ...]
    stopping: float


def leased(world: World) -> Mapping[MachineId, Leased]:
    """Return what each machine is to have a lease for, machines without such units left out."""
    found: dict[MachineId, list[UnitName]] = {}
    for name in units_under_lease(world.desired, world.units, world.fleet.failover):
        for machine in world.desired.units[name].placements:
            found.setdefault(machine, []).append(name)
    return {
        machine: Leased(
            tuple(sorted(names)), max(world.units[name].leasing.seconds for name in names)
        )
        for machine, names in found.items()
    }


def units_under_lease(
    state: DesiredState, units: Mapping[UnitName, Unit], policy: FailoverPolicy
) -> list[UnitName]:
    """Return the units that are placed somewhere and may run only under a lease.

    A fleet may have thousands without one: of these not even the text is read.
    """
    return [
        name
        for name, unit in state.units.items()
        if unit.placements
        and (policy.mode is FailoverMode.LEASE or _says_something(state, unit))
        and (text := units.get(name))
        and mode_of(text, policy) is FailoverMode.LEASE
    ]


def _says_something(state: DesiredState, unit: DesiredUnit) -> bool:
    texts = (state.texts[one] for one in (unit.sha256, *unit.dropins.values()))
    return any(Key.FAILOVER in text for text in texts)


def surely_over(seconds: float, stopping: float) -> float:
    """Return the seconds after which what runs under a lease of `seconds` has surely ended."""
    return (seconds + SWEEP + stopping) * (1 + DRIFT) + SPARE


def still_held(over_in: float, stopping: float) -> float:
    """Return how long a lease holds yet, at least, that is surely over in so many seconds."""
    return (over_in - SPARE) / (1 + DRIFT) - SWEEP - stopping - ROUNDING

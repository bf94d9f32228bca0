"""How a unit fails over: what it says itself, else what the inventory says of all."""

from sshfleet.model.machine import FailoverMode, FailoverPolicy
from sshfleet.model.unit import Unit
from sshfleet.unitfile.leasable import STOP_SECONDS


def mode_of(unit: Unit, policy: FailoverPolicy) -> FailoverMode:
    """Return how a unit fails over. One that cannot keep to a lease stays where it is."""
    if unit.requirements.is_global:
        return FailoverMode.MANUAL
    wanted = unit.requirements.failover or policy.mode
    return FailoverMode.MANUAL if wanted is FailoverMode.LEASE and unit.leasing.why_not else wanted


def why_not_leased(unit: Unit, policy: FailoverPolicy) -> str:
    """Say why a unit that is to run under a lease does not; nothing when all is well."""
    wanted = unit.requirements.failover or policy.mode
    leased = wanted is FailoverMode.LEASE and not unit.requirements.is_global
    return unit.leasing.why_not if leased else ""


def guard_of(unit: Unit, mode: FailoverMode) -> str:
    """Return what the guard of a unit is told of its stop (Action.guard)."""
    if mode is not FailoverMode.LEASE:
        return ""
    return "-" if unit.leasing.own else f"{STOP_SECONDS:g}"

"""What becomes of a unit when machines are adopted."""

from dataclasses import dataclass

from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A unit as it will be known: where it belongs, and where a copy is left over.

    `why_not` says why it cannot be taken over; then it stays as it is.
    """

    unit: UnitName
    target: TargetState
    machines: tuple[MachineName, ...] = ()
    left: tuple[MachineName, ...] = ()
    why_not: str = ""

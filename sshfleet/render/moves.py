"""What had to move for a command, of the units that it did not name."""

from collections.abc import Iterable, Iterator, Mapping

from sshfleet.model.event import Event, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineId
from sshfleet.model.unit import UnitName

Moves = Iterable[UnitPlaced | UnitUnplaced]


def move_lines(
    decisions: Iterable[Event], named: frozenset[UnitName], called: Mapping[MachineId, str]
) -> list[str]:
    """Tell of each unit that is not `named` where it goes and why; `called` names machines."""
    events = [e for e in decisions if isinstance(e, UnitPlaced | UnitUnplaced)]
    units = sorted({event.unit for event in events} - named)
    return [line for unit in units for line in _lines(unit, events, called)]


def _lines(unit: UnitName, events: Moves, called: Mapping[MachineId, str]) -> Iterator[str]:
    came = [e for e in events if e.unit == unit and isinstance(e, UnitPlaced)]
    left = [e for e in events if e.unit == unit and isinstance(e, UnitUnplaced)]
    if len(came) == len(left) == 1:
        ends, begins = (called.get(one.machine, one.machine[:8]) for one in (left[0], came[0]))
        yield f"{unit} moves from {ends} to {begins}: {left[0].reason}"
        return
    for event in left:
        yield f"{unit} leaves {called.get(event.machine, event.machine[:8])}: {event.reason}"
    for placed in came:
        yield f"{unit} comes to {called.get(placed.machine, placed.machine[:8])}: {placed.reason}"

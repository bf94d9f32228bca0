"""How the tests of the scheduler read what it made."""

from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.plan.scheduler import Schedule, schedule
from sshfleet.plan.world import World
from tests.builders import machine_id

NAMES = {machine_id(f"m{number}"): f"m{number}" for number in range(1, 5)}


def of_all(of: World) -> Schedule:
    """Schedule every unit."""
    return schedule(of, frozenset(of.units))


def moves(made: Schedule) -> list[str]:
    """Spell events as "web + m1" and "web - m1"."""
    signs = {UnitPlaced: "+", UnitUnplaced: "-"}
    return [
        f"{event.unit.removesuffix('.service')} {signs[type(event)]} "
        f"{NAMES.get(event.machine, event.machine)}"
        for event in made.events
    ]


def refused(made: Schedule) -> dict[str, dict[str, tuple[str, ...]]]:
    """Map unplaceable units to each machine's reasons."""
    return {
        str(answer.unit): {str(name): told for name, told in answer.reasons.items()}
        for answer in made.unplaceable
    }

"""What the laws of the scheduler are stated with: a command, what came of it, and settings."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sshfleet.model.desired import fold
from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.machine import Machine, MachineId, MachineName
from sshfleet.model.unit import UnitName
from sshfleet.plan.scheduler import Schedule, schedule
from sshfleet.plan.world import World
from tests.plan import oracle
from tests.strategies import worlds_with_scope

Command = tuple[World, frozenset[UnitName]]

commands = worlds_with_scope()
laws = settings(max_examples=128, suppress_health_check=list(HealthCheck))
chances = st.integers(0, 2**32).map(random.Random)


@dataclass(frozen=True)
class Case:
    """A command, what the scheduler made of it, and the world after that."""

    of: World
    scope: frozenset[UnitName]
    made: Schedule
    then: World

    @property
    def moved(self) -> frozenset[UnitName]:
        """Return the units that moved, be they in the scope or not."""
        return frozenset(event.unit for event in self.made.events)

    @property
    def judged(self) -> list[UnitName]:
        """Return the units whose rules must hold afterwards."""
        return oracle.movable(self.then, self.scope | self.single)

    @property
    def single(self) -> frozenset[UnitName]:
        """Return the units that moved as a whole, not just from one of many machines."""
        units = self.of.desired.units
        return frozenset(
            name
            for name in self.moved
            if not oracle.rules(self.of, name).is_global and len(units[name].placements) <= 1
        )

    def certain(self, name: UnitName) -> Iterator[tuple[MachineId, Machine]]:
        """Yield a unit's machines that exactly one inventory entry stands for."""
        for place in sorted(self.then.desired.units[name].placements):
            if len(owners := oracle.owners(self.then, place)) == 1:
                yield place, owners[0]


def case_of(of: World, scope: frozenset[UnitName]) -> Case:
    """Let the scheduler answer a command."""
    made = schedule(of, scope)
    return Case(of, scope, made, after(of, made))


def after(of: World, made: Schedule) -> World:
    """Return the world with a schedule carried into it."""
    return replace(of, desired=fold(of.desired, made.events))


def came(made: Schedule) -> list[UnitPlaced]:
    """Return the placements that begin."""
    return [event for event in made.events if isinstance(event, UnitPlaced)]


def ended(made: Schedule) -> list[UnitUnplaced]:
    """Return the placements that end."""
    return [event for event in made.events if isinstance(event, UnitUnplaced)]


def at_rest(command: Command) -> Command:
    """Let a command be done; leave out of the scope what was found no place for."""
    case = case_of(*command)
    return case.then, case.scope - {answer.unit for answer in case.made.unplaceable}


def fitting(of: World, name: UnitName) -> list[MachineId]:
    """Return the machines that may take a unit, nobody moved for it."""
    entries = [entry for entry in of.fleet.machines if oracle.may_be_given(of, name, entry)]
    return [place for entry in entries if (place := oracle.id_of(of, entry))]


def some_machines(of: World) -> st.SearchStrategy[set[MachineName]]:
    """Draw machines of a world by name."""
    names = [entry.name for entry in of.fleet.machines]
    return st.sets(st.sampled_from(names)) if names else st.just(set())

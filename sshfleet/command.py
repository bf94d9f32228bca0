"""What a run is to do, what it works with, and how it ended."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from math import inf

from sshfleet.apply import Ended
from sshfleet.insight import Senses
from sshfleet.memory import Memory
from sshfleet.model.action import Plan
from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import Fleet, Machine
from sshfleet.model.observed import Observed
from sshfleet.model.owner import Signature
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.intent import Intent
from sshfleet.plan.world import World
from sshfleet.stop import Stop
from sshfleet.transport.base import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one run is to do.

    `decide` turns the world as seen into intent; `place` lets the scheduler place units of the
    scope; `insist`: failed ones are started again; `timeout` in seconds; without `wait` the run
    ends after its first wave. `lease`: how long leases are (s), if not as the inventory says. A run
    that `drains` goes on with the machines that are drained: there `timeout` is for each group of
    units that moves, and it ends after `limit` seconds.
    """

    decide: Callable[[World], Intent]
    scope: frozenset[UnitName]
    contact: tuple[Machine, ...]
    place: bool = False
    insist: bool = False
    wait: bool = True
    timeout: float = 90.0
    settle: float = 0.5
    lease: float | None = None
    drains: bool = False
    limit: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended: the last plan tells what is still not as wanted.

    `stopped`: it was asked to stop before its end.
    """

    plan: Plan
    world: World
    intent: Intent
    ended: tuple[Ended, ...] = ()
    timed_out: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The parts a run works with; `read` turns the journal's state into readable units.

    `signature` is for those who find a machine that this run changed.
    """

    fleet: Fleet
    journal: Memory
    connect: Callable[[], AbstractAsyncContextManager[Transport]]
    read: Callable[[DesiredState], Mapping[UnitName, Unit]]
    tell: Callable[[Plan], None]
    stop: Stop = field(default_factory=Stop)
    senses: Senses = field(default_factory=Senses)
    signature: Signature = field(default_factory=Signature)

    def world(self, observed: Observed) -> World:
        """Return what a plan is made from, as the journal has it now."""
        state = self.journal.state
        return World(fleet=self.fleet, desired=state, units=self.read(state), observed=observed)

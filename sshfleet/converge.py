"""The use case behind every verb: look → decide → append → plan → append → apply → look again.

Rule 1: what the user wants and where it goes is durable before any machine is touched.
Rule 2: every turn starts from what was just seen; nothing is resumed or replayed, so a run that
was killed anywhere is finished by the next one.
Rule 3: a run ends when nothing is left to do or to wait for, or at its deadline.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from sshfleet.apply import Carried, Ended, Wave, apply
from sshfleet.errors import TryLater
from sshfleet.model.action import Plan, Verb
from sshfleet.model.desired import DesiredState, KnownMachine
from sshfleet.model.event import ActionEnded, Event, MachineSeen
from sshfleet.model.machine import Fleet, Machine, MachineName
from sshfleet.model.observed import Observed, Reached, Trouble, Unreachable
from sshfleet.model.unit import Unit, UnitName
from sshfleet.observe import observe
from sshfleet.plan.intent import Intent
from sshfleet.plan.planner import make_plan
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.world import World
from sshfleet.transport.base import Transport

PATIENCE = 4.0  # seconds a machine watches its units within one round trip


class Memory(Protocol):
    """What a run needs of the journal."""

    @property
    def state(self) -> DesiredState:
        """Return the desired state as of the last append."""
        ...

    def append(self, events: Sequence[Event]) -> None:
        """Make events durable; raise JournalError, and then nothing may be acted on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one run is to do.

    `decide` turns the world as seen into intent; `place` lets the scheduler place units of the
    scope; `insist`: failed ones are started again; `timeout` in seconds; without `wait` the run
    ends after its first wave.
    """

    decide: Callable[[World], Intent]
    scope: frozenset[UnitName]
    contact: tuple[Machine, ...]
    place: bool = False
    insist: bool = False
    wait: bool = True
    timeout: float = 90.0
    settle: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended: the last plan tells what is still not as wanted."""

    plan: Plan
    world: World
    intent: Intent
    ended: tuple[Ended, ...] = ()
    timed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The parts a run works with; `read` turns the journal's state into readable units."""

    fleet: Fleet
    journal: Memory
    connect: Callable[[], AbstractAsyncContextManager[Transport]]
    read: Callable[[DesiredState], Mapping[UnitName, Unit]]
    tell: Callable[[Plan], None]


async def converge(setup: Setup, command: Command) -> Result:
    """Carry out a command; without a machine to contact, no agent and no network is needed."""
    if not command.contact:
        world = _world(setup, Observed())
        intent = command.decide(world)
        setup.journal.append(intent.events)
        world = _world(setup, Observed())
        return Result(plan=_planned(setup, command, world, Asked()), world=world, intent=intent)
    async with setup.connect() as transport:
        observed = await observe(transport, command.contact, _homeless(setup, command))
        if all_silent(setup.fleet, observed):
            raise TryLater(
                f"none of the {len(setup.fleet.machines)} machines answers: nothing was done",
                hint="check the network of this computer, then try again",
            )
        world = _world(setup, observed)
        intent = command.decide(world)
        setup.journal.append((*_seen(setup, observed), *intent.events))
        return await _Run(setup, command, transport, intent).until_quiet(observed)


def _homeless(setup: Setup, command: Command) -> list[UnitName]:
    """Name the units that may be placed now: is their name free on the machines?"""
    units = setup.journal.state.units
    known = setup.read(setup.journal.state)
    return sorted(
        name
        for name in command.scope
        if name not in units or not units[name].placements or known[name].requirements.is_global
    )


def _planned(setup: Setup, command: Command, world: World, asked: Asked) -> Plan:
    plan = make_plan(world, command.scope, asked, place=command.place)
    setup.journal.append(plan.decisions)
    return plan


def _world(setup: Setup, observed: Observed) -> World:
    state = setup.journal.state
    return World(fleet=setup.fleet, desired=state, units=setup.read(state), observed=observed)


def _seen(setup: Setup, observed: Observed) -> Iterator[MachineSeen]:
    """Yield what is new about which inventory name is which machine."""
    known = setup.journal.state.machines
    for name, report in sorted(observed.reached().items()):
        machine = setup.fleet.machine(name)
        address = machine.address if machine else ""
        before = known.get(report.machine)
        if before and before.name != name and _is_claimed(setup.fleet, observed, before):
            continue
        if before is None or (before.name, before.address) != (name, address):
            yield MachineSeen(report.machine, name, address)


def _is_claimed(fleet: Fleet, observed: Observed, known: KnownMachine) -> bool:
    """Tell whether an ID belongs to another name of the inventory: this may be a clone of it.

    That name has lost the ID when it is no longer there, or was just seen to be another machine.
    """
    report = observed.reports.get(known.name)
    lost = isinstance(report, Reached) and report.machine != known.id
    return fleet.machine(known.name) is not None and not lost


class _Run:
    """The turns of one run, and what was tried in them."""

    def __init__(
        self, setup: Setup, command: Command, transport: Transport, intent: Intent
    ) -> None:
        self.setup, self.command, self.transport = setup, command, transport
        self.intent = intent
        self.asked = Asked(insist=command.scope if command.insist else frozenset())
        self.ended: list[Ended] = []
        self.deadline = asyncio.get_running_loop().time() + command.timeout

    def left(self) -> float:
        """Return the seconds until the deadline, never negative."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    async def until_quiet(self, observed: Observed) -> Result:
        """Plan and apply, turn by turn, until nothing is left to do or to wait for."""
        for turn in count():
            world = _world(self.setup, observed)
            plan = _planned(self.setup, self.command, world, self.asked)
            self.setup.tell(plan)
            quiet = not plan.actions and not plan.waiting
            late = not quiet and not self.left()
            if quiet or late or (turn and not self.command.wait):
                world = _world(self.setup, observed)
                return self._result(plan, world, timed_out=late)
            carried = await self._turn(plan, observed)
            observed = observed.merged(carried.observed)
        raise AssertionError("count() has no end")

    def _result(self, plan: Plan, world: World, *, timed_out: bool) -> Result:
        return Result(
            plan=plan,
            world=world,
            intent=self.intent,
            ended=tuple(self.ended),
            timed_out=timed_out,
        )

    async def _turn(self, plan: Plan, observed: Observed) -> Carried:
        state = self.setup.journal.state
        wave = Wave(
            actions=plan.actions,
            watch=_watched(plan),
            texts=state.texts,
            lineage=state.lineage,
            patience=min(PATIENCE, self.left()) if self.command.wait else 0.0,
            settle=self.command.settle if self.command.wait else 0.0,
        )
        carried = await apply(self.transport, self.setup.fleet, observed, wave)
        self._remember(carried.ended)
        return carried

    def _remember(self, ended: Iterable[Ended]) -> None:
        events = []
        for one in ended:
            action, outcome = one.action, one.outcome
            if outcome and outcome.postponed:
                continue
            self.ended.append(one)
            words = outcome.detail if outcome and not outcome.ok else ""
            self.asked.tried[action.machine, action.unit, action.verb] = words
            result = "unknown" if outcome is None else "failed" if not outcome.ok else "done"
            events.append(
                ActionEnded(
                    action.unit, action.machine_id, action.verb.name.lower(), action.reason, result
                )
            )
        self.setup.journal.append(events)


def _watched(plan: Plan) -> dict[MachineName, frozenset[UnitName]]:
    """Name the units to wait for on each machine: those in motion, and those about to be."""
    watch: dict[MachineName, set[UnitName]] = {}
    for waiting in plan.waiting:
        watch.setdefault(waiting.machine, set()).add(waiting.unit)
    for action in plan.actions:
        if action.verb is not Verb.INSTALL:
            watch.setdefault(action.machine, set()).add(action.unit)
    return {machine: frozenset(units) for machine, units in watch.items()}


def all_silent(fleet: Fleet, observed: Observed) -> bool:
    """Tell whether every machine of a fleet was asked and none gave a sign of life.

    Then the fault is most likely on this side, and nothing may be concluded about any machine.
    """
    silent = (Trouble.SILENT, Trouble.HUNG, Trouble.FAULT_HERE)
    reports = [observed.reports.get(machine.name) for machine in fleet.machines]
    return len(reports) > 1 and all(
        isinstance(report, Unreachable) and report.trouble in silent for report in reports
    )


def contacted(fleet: Fleet, state: DesiredState, scope: Iterable[UnitName]) -> tuple[Machine, ...]:
    """Return the machines that may hold a copy of these units.

    That is any of them when it is not known which one a holder is by now: it may answer under a
    name that is new in the inventory.
    """
    holders = {
        machine
        for name in scope
        if (unit := state.units.get(name))
        for machine in unit.holders | unit.placements
    }
    names = {known.name if (known := state.machines.get(one)) else "" for one in holders}
    if any(fleet.machine(name) is None for name in names):
        return fleet.machines
    return tuple(machine for machine in fleet.machines if machine.name in names)

"""The use case behind every verb: look → decide → append → plan → append → apply → look again.

Rule 1: what the user wants and where it goes is durable before any machine is touched.
Rule 2: every turn starts from what was just seen; nothing is resumed or replayed, so a run that
was killed anywhere is finished by the next one.
Rule 3: a run ends when nothing is left to do or to wait for, or at its deadline. A dry run, whose
memory is not durable, ends with its first plan: what the same command would begin with.
Rule 4: a run that is asked to stop ends with the wave in flight, and with the plan that would come
next, of which nothing is written or done.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from math import inf

from sshfleet.apply import Carried, Ended, Wave, apply
from sshfleet.contact import all_silent, newly_seen
from sshfleet.errors import TryLater
from sshfleet.insight import Insight, Senses, gathered
from sshfleet.leases import Keeper, carried_over
from sshfleet.memory import Memory, Rehearsal
from sshfleet.model.action import Plan, Verb
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import ActionEnded
from sshfleet.model.machine import Fleet, Machine, MachineId, MachineName
from sshfleet.model.observed import Observed, Reached, Trouble, Unreachable
from sshfleet.model.owner import Claim, Owner, Signature
from sshfleet.model.unit import Unit, UnitName
from sshfleet.observe import observe
from sshfleet.ownership import claim_on, marks_due, refuse_to_begin, workable
from sshfleet.plan.draining import Emptying
from sshfleet.plan.intent import Intent
from sshfleet.plan.leases import leased
from sshfleet.plan.planner import make_plan, moved_by
from sshfleet.plan.reach import may_get_a_machine
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.world import World
from sshfleet.stop import Stop
from sshfleet.transport.base import Transport

PATIENCE = 4.0  # seconds a machine watches its units within one round trip
BUSY = 20.0  # seconds to wait for another run to end its work on a machine
PAUSE = 0.2  # seconds between two looks for that

_AT_WORK = Unreachable(
    trouble=Trouble.UNMANAGEABLE,
    detail="another sshfleet is at work there",
    hint="try again when it is done",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one run is to do.

    `decide` turns the world as seen into intent; `place` lets the scheduler place units of the
    scope; `insist`: failed ones are started again; `timeout` in seconds; without `wait` the run
    ends after its first wave. A run that `drains` goes on with the machines that are drained: there
    `timeout` is for each group of units that moves, and it ends after `limit` seconds.
    """

    decide: Callable[[World], Intent]
    scope: frozenset[UnitName]
    contact: tuple[Machine, ...]
    place: bool = False
    insist: bool = False
    wait: bool = True
    timeout: float = 90.0
    settle: float = 0.5
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


async def converge(setup: Setup, command: Command) -> Result:
    """Carry out a command; without a machine to contact, no agent and no network is needed."""
    if not command.contact:
        world = _world(setup, Observed())
        intent = command.decide(world)
        setup.journal.append(intent.events)
        world = _world(setup, Observed())
        return Result(plan=_planned(setup, command, world, Asked()), world=world, intent=intent)
    async with setup.connect() as transport:
        keeper = _keeper(setup, transport)
        if keeper is None:
            return await _observed(setup, command, transport, None)
        async with keeper.keeping():
            return await _observed(setup, command, transport, keeper)


def _keeper(setup: Setup, transport: Transport) -> Keeper | None:
    """Make who renews leases; a dry run promises nothing."""
    if not setup.journal.durable:
        return None
    clock = setup.senses.clock
    setup.journal.append(carried_over(setup.journal.state, clock))
    return Keeper(setup.journal, transport, clock, setup.fleet.failover.lease)


async def _observed(
    setup: Setup, command: Command, transport: Transport, keeper: Keeper | None
) -> Result:
    """Look at the machines, decide, and do what is to be done."""
    observed = await _look(setup, command, transport, keeper)
    if all_silent(setup.fleet, observed):
        setup.senses.stand(observed)
        raise TryLater(
            f"none of the {len(setup.fleet.machines)} machines answers: nothing was done",
            hint="check the network of this computer, then try again",
        )
    refuse_to_begin(setup.journal.state, observed)
    observed = workable(setup.journal.state, observed)
    world = _world(setup, observed)
    intent = command.decide(world)
    setup.journal.append((*newly_seen(setup.fleet, setup.journal.state, observed), *intent.events))
    world = _world(setup, observed)
    real = setup.journal.durable
    insight = await gathered(setup.senses, transport, world, command.scope, real=real)
    run = _Run(setup, command, transport, intent)
    run.insight, run.keeper = insight, keeper
    return await run.until_quiet(observed)


async def _look(
    setup: Setup, command: Command, transport: Transport, keeper: Keeper | None
) -> Observed:
    """Look at the machines; a real run waits for those that another run is changing just now."""
    clock, asked = asyncio.get_running_loop().time, _asked_about(setup, command)
    if keeper:
        await keeper.cover(leased(_world(setup, Observed())))
    met = keeper.met if keeper else None
    observed, end = await observe(transport, command.contact, asked, met), clock() + BUSY
    while setup.journal.durable and (busy := _busy(observed, command.contact)):
        if clock() > end:
            return observed.merged(Observed({one.name: _AT_WORK for one in busy}))
        await asyncio.sleep(PAUSE)
        observed = observed.merged(await observe(transport, busy, asked))
    return observed


def _busy(observed: Observed, machines: Iterable[Machine]) -> list[Machine]:
    found = []
    for machine in machines:
        report = observed.reports.get(machine.name)
        if isinstance(report, Reached) and report.busy:
            found.append(machine)
    return found


def _asked_about(setup: Setup, command: Command) -> list[UnitName]:
    """Name the units of which every machine must tell what it has: is their name free there?"""
    world = _world(setup, Observed())
    units = world.desired.units
    asked = {
        name
        for name in command.scope
        if name not in units
        or not units[name].placements
        or world.units[name].requirements.is_global
    }
    if command.place:
        desired = fold(world.desired, command.decide(world).events)
        foreseen = replace(world, desired=desired, units=setup.read(desired))
        asked |= may_get_a_machine(foreseen, command.scope)
    return sorted(asked)


def _planned(setup: Setup, command: Command, world: World, asked: Asked, mark: str = "") -> Plan:
    plan = make_plan(world, command.scope, asked, place=command.place)
    changed = [action.machine_id for action in plan.actions]
    marks = marks_due(world.desired, world.observed, changed, mark) if mark else ()
    setup.journal.append((*plan.decisions, *marks))
    asked.moved.update(moved_by(plan) - command.scope)
    return plan


def _world(setup: Setup, observed: Observed) -> World:
    state = setup.journal.state
    return World(fleet=setup.fleet, desired=state, units=setup.read(state), observed=observed)


class _Run:
    """The turns of one run, and what was tried in them."""

    def __init__(
        self, setup: Setup, command: Command, transport: Transport, intent: Intent
    ) -> None:
        self.setup, self.command, self.transport = setup, command, transport
        self.intent = intent
        self.insight = Insight(clock=setup.senses.clock)
        self.keeper: Keeper | None = None
        self.asked = Asked(
            insist=command.scope if command.insist else frozenset(),
            drain=Emptying() if command.drains else None,
        )
        self.ended: list[Ended] = []
        self.mark = f"{setup.journal.state.next_mark()}-{secrets.token_hex(8)}"
        self.turn = 0
        now = asyncio.get_running_loop().time()
        self.end = now + command.limit
        self.deadline = min(now + command.timeout, self.end)

    def left(self) -> float:
        """Return the seconds until the deadline, never negative."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    async def until_quiet(self, observed: Observed) -> Result:
        """Plan and apply, turn by turn, until nothing is left to do or to wait for."""
        turn = 0
        self.setup.stop.begun = True
        while True:
            if self.setup.stop.asked:
                self._only_look_ahead()
            plan = self._plan(self._world(observed))
            self.setup.tell(plan)
            quiet = not plan.actions and not plan.waiting
            late = not quiet and not self.left()
            over = not self.setup.journal.durable or self.setup.stop.asked
            ended = quiet or late or over
            if ended or (turn and not self.command.wait):
                return self._result(plan, self._world(observed), timed_out=late)
            if self.keeper:
                await self.keeper.cover(leased(self._world(observed)), _starting(plan))
            carried = await self._turn(plan, observed)
            seen = workable(self.setup.journal.state, carried.observed)
            observed = observed.merged(seen)
            turn += 1

    def _plan(self, world: World) -> Plan:
        """Plan the next wave; units that a drain moves have a time of their own for that."""
        now, drain = asyncio.get_running_loop().time(), self.asked.drain
        if drain is None:
            return _planned(self.setup, self.command, world, self.asked, self.mark)
        begun = len(drain.begun)
        drain.may_begin, drain.foresee = now < self.end, not self.setup.journal.durable
        plan = _planned(self.setup, self.command, world, self.asked, self.mark)
        if len(drain.begun) > begun:
            self.deadline = min(now + self.command.timeout, self.end)
        return plan

    def _world(self, observed: Observed) -> World:
        return self.insight.added_to(_world(self.setup, observed), self.keeper)

    def _only_look_ahead(self) -> None:
        """End with the next plan: what it decides is forgotten, and nobody is told."""
        memory = Rehearsal(self.setup.journal.state)
        self.setup = replace(self.setup, journal=memory, tell=lambda _: None)

    def _result(self, plan: Plan, world: World, *, timed_out: bool) -> Result:
        return Result(
            plan=plan,
            world=world,
            intent=self.intent,
            ended=tuple(self.ended),
            timed_out=timed_out,
            stopped=self.setup.stop.asked,
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
            claims=self._claims(plan, observed, state),
        )
        carried = await apply(self.transport, self.setup.fleet, observed, wave, self.setup.stop)
        self._remember(carried.ended)
        return carried

    def _claims(
        self, plan: Plan, observed: Observed, state: DesiredState
    ) -> dict[MachineName, Claim]:
        self.turn += 1
        owner = Owner.signed(state.lineage, self.mark, self.setup.signature, self.turn)
        changed = {action.machine: action.machine_id for action in plan.actions}
        return {name: claim_on(state, observed, id_, owner) for name, id_ in changed.items()}

    def _remember(self, ended: Iterable[Ended]) -> None:
        events = []
        for one in ended:
            action, outcome = one.action, one.outcome
            if outcome and outcome.postponed:
                continue
            self.ended.append(one)
            words = outcome.detail if outcome and not outcome.ok else ""
            self.asked.tried[action.machine, action.unit, action.verb] = words
            events.append(
                ActionEnded(
                    action.unit,
                    action.machine_id,
                    action.verb.name.lower(),
                    action.reason,
                    one.result,
                    was=one.was,
                    became=one.became,
                    ms=one.ms,
                )
            )
        self.setup.journal.append(events)


def _starting(plan: Plan) -> set[MachineId]:
    """Return the machines where something is about to start, perhaps under a lease."""
    starts = (Verb.START, Verb.RESTART)
    return {action.machine_id for action in plan.actions if action.verb in starts}


def _watched(plan: Plan) -> dict[MachineName, frozenset[UnitName]]:
    """Name the units to wait for on each machine: those in motion, and those about to be."""
    watch: dict[MachineName, set[UnitName]] = {}
    for waiting in plan.waiting:
        watch.setdefault(waiting.machine, set()).add(waiting.unit)
    for action in plan.actions:
        if action.verb is not Verb.INSTALL:
            watch.setdefault(action.machine, set()).add(action.unit)
    return {machine: frozenset(units) for machine, units in watch.items()}

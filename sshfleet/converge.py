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
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace

from sshfleet.apply import Carried, Ended, Wave, apply
from sshfleet.command import Command, Result, Setup
from sshfleet.contact import all_silent, newly_seen
from sshfleet.errors import TryLater
from sshfleet.insight import Insight, gathered
from sshfleet.leases import Keeper, carried_over
from sshfleet.looking import look
from sshfleet.memory import Rehearsal
from sshfleet.model.action import Plan, Verb
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import ActionEnded
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import Observed
from sshfleet.model.owner import Claim, Owner
from sshfleet.model.unit import UnitName
from sshfleet.ownership import claim_on, marks_due, refuse_to_begin, workable
from sshfleet.plan.draining import Emptying
from sshfleet.plan.intent import Intent
from sshfleet.plan.leases import leased
from sshfleet.plan.planner import make_plan, moved_by
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.world import World
from sshfleet.transport.base import Transport

PATIENCE = 4.0  # seconds a machine watches its units within one round trip


async def converge(setup: Setup, command: Command) -> Result:
    """Carry out a command; without a machine to contact, no agent and no network is needed."""
    if not command.contact:
        world = setup.world(Observed())
        intent = command.decide(world)
        setup.journal.append(intent.events)
        world = setup.world(Observed())
        return Result(plan=_planned(setup, command, world, Asked()), world=world, intent=intent)
    async with setup.connect() as transport:
        keeper = _keeper(setup, command, transport)
        async with keeper.keeping() if keeper else nullcontext():
            return await _observed(setup, command, transport, keeper)


def _keeper(setup: Setup, command: Command, transport: Transport) -> Keeper | None:
    """Make who renews leases; a dry run promises nothing."""
    if not setup.journal.durable:
        return None
    clock = setup.senses.clock
    setup.journal.append(carried_over(setup.journal.state, clock))
    length = command.lease or setup.fleet.failover.lease
    return Keeper(setup.journal, transport, clock, length)


async def _observed(
    setup: Setup, command: Command, transport: Transport, keeper: Keeper | None
) -> Result:
    """Look at the machines, decide, and do what is to be done."""
    observed = await look(setup, command, transport, keeper)
    if all_silent(setup.fleet, observed):
        setup.senses.stand(observed)
        raise TryLater(
            f"none of the {len(setup.fleet.machines)} machines answers: nothing was done",
            hint="check the network of this computer, then try again",
        )
    refuse_to_begin(setup.journal.state, observed)
    observed = workable(setup.journal.state, observed)
    world = setup.world(observed)
    intent = command.decide(world)
    setup.journal.append((*newly_seen(setup.fleet, setup.journal.state, observed), *intent.events))
    world = setup.world(observed)
    insight = await gathered(setup.senses, transport, world, command.scope, keeper)
    return await _Run(setup, command, transport, intent, insight).until_quiet(observed)


def _planned(setup: Setup, command: Command, world: World, asked: Asked, mark: str = "") -> Plan:
    plan = make_plan(world, command.scope, asked, place=command.place)
    changed = [action.machine_id for action in plan.actions]
    marks = marks_due(world.desired, world.observed, changed, mark) if mark else ()
    setup.journal.append((*plan.decisions, *marks))
    asked.moved.update(moved_by(plan) - command.scope)
    return plan


class _Run:
    """The turns of one run, and what was tried in them."""

    def __init__(
        self,
        setup: Setup,
        command: Command,
        transport: Transport,
        intent: Intent,
        insight: Insight,
    ) -> None:
        self.setup, self.command, self.transport = setup, command, transport
        self.intent, self.insight = intent, insight
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
            if keeper := self.insight.keeper:
                await keeper.cover(leased(self._world(observed)), _starting(plan))
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
        return self.insight.added_to(self.setup.world(observed))

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

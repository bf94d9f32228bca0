"""How a verb runs `converge`: which machines it needs, who is told of progress."""

import sys
from collections.abc import Callable, Mapping, Sequence

from sshfleet.cli.context import Context
from sshfleet.clock import boottime_ms
from sshfleet.command import Command, Result, Setup
from sshfleet.contact import contacted
from sshfleet.converge import converge
from sshfleet.fence import fence
from sshfleet.insight import Senses
from sshfleet.memory import Memory
from sshfleet.model.action import Plan
from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed
from sshfleet.model.standing import Standing
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.intent import Intent
from sshfleet.plan.world import World
from sshfleet.render.moves import move_lines
from sshfleet.render.states import plan_lines
from sshfleet.unitfile.registered import Registered

FEW = 16
PLACING = ("load", "start", "reconcile", "drain", "evict")
DRAINING = ("reconcile", "drain")


def command_for(
    context: Context,
    state: DesiredState,
    names: Sequence[UnitName],
    decide: Callable[[World], Intent],
    verb: str,
    *,
    may_move: bool = False,
) -> Command:
    """Make the command of a verb: all machines are asked only when one is to be chosen."""
    scope = frozenset(names)
    settled = verb != "reconcile" and all(_settled(state, name) for name in scope) and not may_move
    place = verb in PLACING and not settled
    return Command(
        decide=decide,
        scope=scope,
        contact=context.fleet.machines if place else contacted(context.fleet, state, scope),
        place=place,
        insist=verb in ("start", "restart", "stop"),
        timeout=context.settings.timeout,
        drains=verb in DRAINING,
    )


def _settled(state: DesiredState, name: UnitName) -> bool:
    """Tell whether a unit has the one machine it needs (a global unit never has: more may come)."""
    unit = state.units.get(name)
    return unit is not None and len(unit.placements) == 1


def run(
    context: Context, journal: Memory, command: Command, registered: Sequence[UnitName] = ()
) -> Result:
    """Carry out a command; `registered` units are told as inactive once they are durable."""
    setup = setup_for(context, journal, command, registered)
    try:
        result = context.run(converge(setup, command), setup.stop)
    finally:
        context.progress(None)
    context.remember(result.world.observed)
    return result


def setup_for(
    context: Context, journal: Memory, command: Command, registered: Sequence[UnitName] = ()
) -> Setup:
    """Put together what a run works with."""
    cache: dict[tuple[UnitName, str], Unit] = {}
    untold = list(registered)

    def read(state: DesiredState) -> Mapping[UnitName, Unit]:
        return Registered(state, cache)

    def tell(plan: Plan) -> None:
        while untold:
            context.say(f"Unit {untold.pop(0)} inactive\n")
        sys.stdout.flush()
        if journal.durable:
            context.progress(plan)
        _tell_of_moves(context, journal, command, plan)
        if context.settings.debug:
            for line in plan_lines(plan):
                context.err(f"debug: {line}")

    # A start will upload to one of the machines asked; beyond a few, too many would wait for it.
    early = command.place and command.insist and len(command.contact) <= FEW
    return Setup(
        fleet=context.fleet,
        journal=journal,
        connect=lambda: context.connect(early_files=bool(early and journal.durable)),
        read=read,
        tell=tell,
        signature=context.signature,
        senses=senses_of(context, journal),
    )


def senses_of(context: Context, journal: Memory) -> Senses:
    """Return how a run learns what one look does not tell; a dry run notes nothing."""
    began = boottime_ms()

    def stand(observed: Observed) -> Mapping[MachineName, Standing]:
        if journal.durable:
            return context.note_standings(observed, began)
        return context.known_standings()

    return Senses(stand=stand, fence=fence)


def _tell_of_moves(context: Context, journal: Memory, command: Command, plan: Plan) -> None:
    """Note which units had to move that the user did not name; a dry run shows its whole plan."""
    if journal.durable:
        called = {id_: known.name for id_, known in journal.state.machines.items()}
        for line in move_lines(plan.decisions, command.scope, called):
            context.note(line)

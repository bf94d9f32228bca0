"""`plan --lose MACHINE --add k=v`: where units would go, offline, from what was last seen."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from sshfleet.cli.context import Context
from sshfleet.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from sshfleet.model.action import Plan
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.machine import Fleet, MachineName
    from sshfleet.model.unit import UnitName
    from sshfleet.plan.whatif import Lost
    from sshfleet.plan.world import World
    from sshfleet.render.changes import Change


def what_if(
    context: Context,
    state: "DesiredState",
    names: "Iterable[UnitName]",
    lose: Sequence[str],
    add: Sequence[str],
) -> int:
    """Show where units would be without the machines of `lose` and with those of `add`."""
    from sshfleet.cli.cached import last_look
    from sshfleet.cli.planning import show
    from sshfleet.model.action import Plan
    from sshfleet.plan.planner import make_plan
    from sshfleet.plan.reconcile import Asked
    from sshfleet.plan.whatif import Lost, as_last_seen, with_one_more, without
    from sshfleet.plan.world import World
    from sshfleet.render.plan import Shown
    from sshfleet.unitfile.registered import Registered

    gone = [_machine(context.fleet, name) for name in dict.fromkeys(lose)]
    metadata = [_metadata(said) for said in add]
    world = as_last_seen(
        World(
            fleet=context.fleet,
            desired=state,
            units=Registered(state, {}),
            observed=last_look(context),
        )
    )
    lost: list[Lost] = []
    for name in gone:
        world, more = without(world, name)
        lost += more
    for pairs in metadata:
        world = with_one_more(world, pairs)
    scope = frozenset(names)
    planned = make_plan(world, scope, Asked())
    plan = Plan(decisions=planned.decisions, unplaceable=planned.unplaceable)
    show(context, Shown(plan=plan, changes=tuple(_changes(plan, lost, world, scope))))
    return ExitCode.NOT_SO if plan.unplaceable else ExitCode.DONE


def _changes(
    plan: "Plan", lost: "Iterable[Lost]", world: "World", scope: "frozenset[UnitName]"
) -> "list[Change]":
    from sshfleet.render.changes import Change, Kind, Seen, in_order, placements

    found = [
        Change(
            kind=Kind.LOSE,
            unit=each.unit,
            machine=each.machine,
            machine_id=each.machine_id,
            reason="",
        )
        for each in lost
        if each.unit in scope
    ]
    seen = Seen(world.desired, world.desired, world.observed)
    return in_order([*found, *placements(plan.decisions, seen)])


def _machine(fleet: "Fleet", name: str) -> "MachineName":
    machine = fleet.machine(name)
    if machine is None:
        close = get_close_matches(name, [str(one.name) for one in fleet.machines], n=1)
        raise UsageError(
            f"no machine {name!r} in the inventory",
            hint=f"did you mean {close[0]}?" if close else "see sshfleet list-machines",
        )
    return machine.name


def _metadata(said: str) -> dict[str, str]:
    """Read `k=v,k=v`; empty text is a machine without metadata."""
    pairs = {}
    for word in said.split(",") if said else ():
        key, _, value = (part.strip() for part in word.partition("="))
        if not key or not value or key in pairs:
            raise UsageError(
                f"--add {said!r} is not KEY=VALUE,KEY=VALUE",
                hint="name each key of the machine's metadata once, as in --add region=eu,disk=ssd",
            )
        pairs[key] = value
    return pairs

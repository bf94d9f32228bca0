"""`explain`: every machine, and for each rule whether it lets the unit run there."""

from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.cli.units import Replace
from sshfleet.errors import ExitCode, SshfleetError, UsageError

if TYPE_CHECKING:
    from sshfleet.cli.lookup import Found
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.observed import Observed
    from sshfleet.model.unit import Unit, UnitName
    from sshfleet.plan.world import World
    from sshfleet.render.explain import Placed

Cached = Annotated[bool, typer.Option("--cached", help="As last seen; contact no machine.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("explain")(explain)


def explain(
    ctx: typer.Context,
    unit: Annotated[str, typer.Argument(metavar="UNIT|FILE", show_default=False)],
    replace: Replace = False,
    cached: Cached = False,
) -> int:
    """Explain where a unit may run and where not, rule by rule."""
    from sshfleet.cli.settings import Output
    from sshfleet.plan.explain import explain as explained
    from sshfleet.render.document import explain_document, written
    from sshfleet.render.explain import explain_text

    context: Context = ctx.obj
    state = context.read_state()
    one = _found(unit, state)
    fresh = _fresh(context, one, state, replace=replace)
    world = _wanted(_world(context, state, one.name, cached=cached), one.name, fresh)
    found, placed = explained(world, one.name), _placed(context, world, one.name)
    if context.settings.output is Output.TABLE:
        context.out(explain_text(found, placed, colour=context.colour))
    else:
        document = explain_document(found, placed)
        context.out(written(document, context.settings.output.value))
    return ExitCode.DONE if found.runs_somewhere else ExitCode.NOT_SO


def _found(argument: str, state: "DesiredState") -> "Found":
    from sshfleet.cli.lookup import found, refuse_templates

    refuse_templates("explain", [argument])
    units = found([argument], state)
    if len(units) > 1:
        raise UsageError(
            f"'{argument}' means {len(units)} units", hint=f"explain one: {units[0].name}"
        )
    refuse_templates("explain", [units[0].name])
    return units[0]


def _fresh(context: Context, one: "Found", state: "DesiredState", *, replace: bool) -> "list[Unit]":
    """Return the text to explain if it is not the registered one; tell when they differ."""
    if one.known and replace and one.fresh is None:
        raise SshfleetError(
            f"there is no file to replace {one.name} with", hint="give the path of its new file"
        )
    if one.fresh is None or (one.known and one.fresh.content == state.units[one.name].content):
        return []
    if one.known and not replace:
        context.note(
            f"WARNING: Unit {one.name} in the journal differs from the local unit file {one.path}. "
            "Add --replace to explain that one."
        )
        return []
    return [one.fresh]


def _world(context: Context, state: "DesiredState", name: "UnitName", *, cached: bool) -> "World":
    from sshfleet.cli.cached import last_look
    from sshfleet.contact import newly_seen
    from sshfleet.model.desired import fold
    from sshfleet.ownership import refuse_to_begin, workable
    from sshfleet.plan.whatif import as_last_seen
    from sshfleet.plan.world import World
    from sshfleet.unitfile.registered import Registered

    observed = last_look(context) if cached else context.run(_look(context, name))
    refuse_to_begin(state, observed)
    observed = workable(state, observed)
    state = fold(state, newly_seen(context.fleet, state, observed))
    world = World(
        fleet=context.fleet, desired=state, units=Registered(state, {}), observed=observed
    )
    return as_last_seen(world) if cached else world


async def _look(context: Context, name: "UnitName") -> "Observed":
    from sshfleet.observe import observe

    async with context.connect(keep=False) as transport:
        return await observe(transport, context.fleet.machines, [name])


def _wanted(world: "World", name: "UnitName", fresh: "list[Unit]") -> "World":
    """Let the unit be wanted on a machine, if it is not yet: as `start` would."""
    from dataclasses import replace

    from sshfleet.memory import Rehearsal
    from sshfleet.plan.intent import registered_and_targeted
    from sshfleet.unitfile.registered import Registered

    known = world.desired.units.get(name)
    verb = "load" if known and known.target.on_machine else "start"
    if verb == "load" and not fresh:
        return world
    rehearsal = Rehearsal(world.desired)
    rehearsal.append(registered_and_targeted(world, fresh, verb, [name]).events)
    return replace(world, desired=rehearsal.state, units=Registered(rehearsal.state, {}))


def _placed(context: Context, world: "World", name: "UnitName") -> "list[Placed]":
    """Tell where the unit is, and what the journal has on why."""
    from sshfleet.journal.store import read_history
    from sshfleet.model.event import UnitPlaced
    from sshfleet.render.explain import Placed

    places = world.desired.units[name].placements
    if not places:
        return []
    last = {
        record.event.machine: (
            record.at.astimezone().isoformat(timespec="seconds"),
            record.event.reason,
        )
        for record in read_history(context.journal_path)
        if isinstance(record.event, UnitPlaced) and record.event.unit == name
    }
    return [
        Placed(world.last_name_of(machine), machine, *last.get(machine, ("", "")))
        for machine in sorted(places)
    ]

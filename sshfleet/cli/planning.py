"""`plan`, and the dry run of every verb: decide and plan as for real, look, and say what would be.

Rule 1: nothing is written: no lock, no journal, no cache; machines are only looked at.
Rule 2: what is shown was planned by the code that carries it out, from the same look.
"""

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.cli.errors import tell

if TYPE_CHECKING:
    from sshfleet.command import Command, Result, Setup
    from sshfleet.memory import Memory
    from sshfleet.model.desired import DesiredState
    from sshfleet.render.plan import Shown

Units = Annotated[list[str] | None, typer.Argument(metavar="[UNIT...]", show_default=False)]
Lose = Annotated[
    list[str] | None,
    typer.Option("--lose", metavar="MACHINE", help="As if it were gone for good; offline."),
]
Add = Annotated[
    list[str] | None,
    typer.Option("--add", metavar="K=V[,K=V]", help="As if there were one more; offline."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("plan")(plan)


def plan(ctx: typer.Context, units: Units = None, lose: Lose = None, add: Add = None) -> int:
    """Show what reconcile would do, and why; change nothing."""
    from sshfleet.cli.lookup import known, not_known
    from sshfleet.cli.running import command_for
    from sshfleet.cli.whatif import what_if
    from sshfleet.memory import Rehearsal
    from sshfleet.plan.intent import Intent

    context: Context = ctx.obj
    journal = Rehearsal(context.read_state())
    names, unknown = known(units, journal.state) if units else (sorted(journal.state.units), [])
    for argument in unknown:
        tell(not_known(argument, journal.state))
    if units and not names:
        return 1
    if lose or add:
        return what_if(context, journal.state, names, lose or (), add or ()) or (
            1 if unknown else 0
        )
    command = command_for(context, journal.state, names, lambda _: Intent(()), "reconcile")
    if not names:  # nobody has to be asked
        command = replace(command, contact=())
    return foreseen(context, journal, command) or (1 if unknown else 0)


def foreseen(context: Context, journal: "Memory", command: "Command") -> int:
    """Show what a command would do: the dry run of any verb; return the exit code of its plan.

    `journal` is a Rehearsal, as Context.open_journal gives for a dry run.
    """
    from sshfleet.cli.outcome import trouble_code

    result, shown = rehearsed(context, journal, command)
    show(context, shown)
    for _, error in result.intent.refused:
        tell(error)
    codes = (error.exit_code for _, error in result.intent.refused)
    return max(codes, default=0) or trouble_code(result)


def rehearsed(context: Context, journal: "Memory", command: "Command") -> "tuple[Result, Shown]":
    """Look and plan as a command would, and return what there is to show of it."""
    from sshfleet.cli.running import setup_for

    if journal.durable:
        raise ValueError("a dry run was given a journal that it would write to")
    try:
        setup = setup_for(context, journal, command)
        result, shown = context.run(_rehearsed(setup, command))
    finally:
        context.progress(None)
    return result, shown


def show(context: Context, shown: "Shown") -> None:
    """Print a plan as the user asked for it."""
    from sshfleet.cli.settings import Output
    from sshfleet.render.document import plan_document, written
    from sshfleet.render.plan import plan_text

    if context.settings.output is Output.TABLE:
        context.out(plan_text(shown, colour=context.colour))
    else:
        context.out(written(plan_document(shown), context.settings.output.value))


async def _rehearsed(setup: "Setup", command: "Command") -> "tuple[Result, Shown]":
    """Plan, and read files that only machines have, over the same connections."""
    from sshfleet.cli.texts import texts_of
    from sshfleet.converge import converge

    before = setup.journal.state
    if not command.contact:
        result = await converge(setup, command)
        return result, shown_of(before, result)
    async with setup.connect() as transport:
        again = replace(setup, connect=lambda: nullcontext(transport))
        result = await converge(again, command)
        shown = shown_of(before, result)
        read = await texts_of(transport, setup.fleet, shown.differences, shown.texts)
        return result, replace(shown, texts={**shown.texts, **read})


def shown_of(before: "DesiredState", result: "Result") -> "Shown":
    """Tell what a plan changes, starting from the desired state `before`."""
    from sshfleet.render.changes import Seen, changes
    from sshfleet.render.diff import differences
    from sshfleet.render.plan import Shown

    world = result.world
    seen = Seen(before, world.desired, world.observed)
    return Shown(
        plan=result.plan,
        changes=tuple(changes(result.plan, seen)),
        differences=tuple(differences(result.plan, seen)),
        texts={**before.texts, **world.desired.texts},
        refused=tuple((name, str(error)) for name, error in result.intent.refused),
    )

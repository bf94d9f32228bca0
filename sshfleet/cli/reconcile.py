"""reconcile: the cron verb. Prints nothing and exits 0 when all is as the journal says."""

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from sshfleet.cli.context import Context
from sshfleet.cli.units import DryRun

if TYPE_CHECKING:
    from sshfleet.converge import Result


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("reconcile")(reconcile)


def reconcile(ctx: typer.Context, dry_run: DryRun = False) -> int:
    """Make the machines what the journal says (for cron)."""
    from sshfleet.cli.outcome import tell_trouble
    from sshfleet.cli.planning import foreseen
    from sshfleet.cli.running import command_for, run
    from sshfleet.plan.intent import Intent

    context: Context = ctx.obj
    with context.open_journal(dry_run=dry_run) as journal:
        names = sorted(journal.state.units)
        command = command_for(context, journal.state, names, lambda _: Intent(()), "reconcile")
        if not names:  # nobody has to be asked
            command = replace(command, contact=())
        if dry_run:
            return foreseen(context, journal, command)
        result = run(context, journal, command)
        _show(context, result)
        return tell_trouble(result)


def _show(context: Context, result: "Result") -> None:
    from sshfleet.cli.outcome import changes, done_document
    from sshfleet.cli.settings import Output
    from sshfleet.render.document import written

    if context.settings.output is Output.TABLE:
        for line in changes(result):
            context.out(line)
        return
    context.out(written(done_document(result), context.settings.output.value))

"""reconcile: the cron verb. Prints nothing and exits 0 when all is as the journal says."""

import typer

from sshfleet.cli.context import Context


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("reconcile")(reconcile)


def reconcile(ctx: typer.Context) -> int:
    """Make the machines what the journal says (for cron)."""
    from sshfleet.cli.outcome import changes, tell_trouble
    from sshfleet.cli.running import command_for, run
    from sshfleet.plan.intent import Intent

    context: Context = ctx.obj
    with context.open_journal() as journal:
        names = sorted(journal.state.units)
        command = command_for(context, journal.state, names, lambda _: Intent(()), "reconcile")
        if not names:
            return 0
        result = run(context, journal, command)
        for line in changes(result):
            context.out(line)
        return tell_trouble(result)

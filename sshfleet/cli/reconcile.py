"""reconcile: the cron verb. Prints nothing and exits 0 when all is as the journal says."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.cli.settings import Output
from sshfleet.cli.units import DryRun
from sshfleet.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from sshfleet.command import Command, Result
    from sshfleet.memory import Memory

Every = Annotated[
    float | None,
    typer.Option("--every", metavar="SECONDS", help="Go on for good, as a service."),
]
Metrics = Annotated[
    Path | None,
    typer.Option("--metrics", metavar="FILE", help="Write metrics for Prometheus there."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("reconcile")(reconcile)


def reconcile(
    ctx: typer.Context, every: Every = None, metrics: Metrics = None, dry_run: DryRun = False
) -> int:
    """Make the machines what the journal says (for cron)."""
    context: Context = ctx.obj
    if dry_run:
        _check_dry(every, metrics)
        return _foreseen(context)
    if every is not None:
        _check_service(context, every)
        return _serve(context, every, metrics)
    return turn(context, metrics)


def turn(context: Context, metrics: Path | None) -> int:
    """Reconcile once and tell; return the exit code. Raises SshfleetError, and Interrupted."""
    from sshfleet.cli.metrics import measured

    return measured(context, metrics, _reconciled) if metrics else _reconciled(context)[0]


def _reconciled(context: Context) -> "tuple[int, Result]":
    from sshfleet.cli.outcome import tell_trouble
    from sshfleet.cli.running import run

    with context.open_journal() as journal:
        result = run(context, journal, _command(context, journal))
        _show(context, result)
        return tell_trouble(result), result


def _command(context: Context, journal: "Memory") -> "Command":
    from sshfleet.cli.running import command_for
    from sshfleet.plan.intent import Intent

    names = sorted(journal.state.units)
    command = command_for(context, journal.state, names, lambda _: Intent(()), "reconcile")
    return command if names else replace(command, contact=())  # nobody has to be asked


def _foreseen(context: Context) -> int:
    from sshfleet.cli.planning import foreseen

    with context.open_journal(dry_run=True) as journal:
        return foreseen(context, journal, _command(context, journal))


def _serve(context: Context, every: float, metrics: Path | None) -> int:
    import os

    from sshfleet.cli.notify import Supervisor
    from sshfleet.cli.service import Clock, Cycles, ask_nobody, serve

    ask_nobody()
    cycles = Cycles(
        lambda: Context(context.settings, context.signals), lambda fresh: turn(fresh, metrics)
    )
    serve(cycles.run, every, lambda: bool(context.signals.number), Supervisor(os.environ), Clock())
    return ExitCode.DONE  # the signal that ended it decides


def _check_dry(every: float | None, metrics: Path | None) -> None:
    if every is not None or metrics is not None:
        option = "--metrics" if every is None else "--every"
        raise UsageError(
            f"--dry-run and {option} exclude each other",
            hint="a dry run looks once, and writes nothing",
        )


def _check_service(context: Context, every: float) -> None:
    if not 0 < every < 1e9:
        raise UsageError(
            f"--every {every:g} is not a number of seconds above 0", hint="for example: --every 60"
        )
    if context.settings.output is Output.JSON:
        raise UsageError(
            "--every would print a document in each cycle, not one",
            hint="take -o jsonl, which has an object a line",
        )


def _show(context: Context, result: "Result") -> None:
    from sshfleet.cli.outcome import changes, done_document
    from sshfleet.render.document import written

    if context.settings.output is Output.TABLE:
        for line in changes(result):
            context.out(line)
        return
    context.out(written(done_document(result), context.settings.output.value))

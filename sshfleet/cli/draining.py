"""drain: move the units of machines away, one group after the other.

Rule 1: what would happen is shown before a question is asked; without a terminal nobody is asked.
Rule 2: what is not away at the end is named, with the reason, and the exit code is not 0.
"""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.cli.cordoning import Machines
from sshfleet.cli.settings import Output
from sshfleet.cli.units import DryRun
from sshfleet.errors import ExitCode

if TYPE_CHECKING:
    from sshfleet.command import Command, Result
    from sshfleet.memory import Memory
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.machine import MachineName
    from sshfleet.model.unit import UnitName

Limit = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="For all of it. [no limit]"),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("drain")(drain)


def drain(
    ctx: typer.Context,
    machines: Machines,
    timeout: Limit = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> int:
    """Move the units of machines elsewhere, one at a time."""
    from sshfleet.cli.planning import foreseen
    from sshfleet.cli.running import run

    context: Context = ctx.obj
    with context.open_journal(dry_run=dry_run) as journal:
        names = _named(context, machines, journal.state)
        command = _command(context, journal.state, names, timeout)
        if dry_run:
            return foreseen(context, journal, command)
        if not yes and sys.stdin.isatty() and not _agreed(context, journal, names, command):
            context.note("nothing was changed")
            return ExitCode.NOT_SO
        before = journal.state
        return _told(context, names, before, run(context, journal, command))


def _named(context: Context, said: list[str], state: "DesiredState") -> "list[MachineName]":
    from sshfleet.cli.machine_names import machine_called

    names = [machine_called(context.fleet, state, word).name for word in said]
    return list(dict.fromkeys(names))


def _command(
    context: Context, state: "DesiredState", names: "list[MachineName]", limit: float | None
) -> "Command":
    from sshfleet.cli.running import command_for
    from sshfleet.plan.intent import drained

    units = sorted(state.units_on(map(state.id_of, names)))
    command = command_for(
        context, state, units, lambda world: drained(names, world), "drain", may_move=True
    )
    return command if limit is None else replace(command, limit=limit)


def _agreed(
    context: Context, journal: "Memory", names: "list[MachineName]", command: "Command"
) -> bool:
    """Show what would happen and ask; where no unit would move there is nothing to ask."""
    from sshfleet.cli.planning import rehearsed
    from sshfleet.cli.questions import ask
    from sshfleet.memory import Rehearsal
    from sshfleet.plan.planner import moved_by
    from sshfleet.render.plan import plan_text

    result, shown = rehearsed(context, Rehearsal(journal.state), command)
    if not moved_by(result.plan):
        return True
    context.say(plan_text(shown, colour=context.colour))
    context.flush()
    return context.run(ask(f"Drain {', '.join(names)}?"))


def _told(
    context: Context, names: "list[MachineName]", before: "DesiredState", result: "Result"
) -> int:
    from sshfleet.cli.outcome import tell_trouble
    from sshfleet.cli.staying import say_left

    left = {name: _left(result.world.desired, name) for name in names}
    if context.settings.output is Output.TABLE:
        context.out("".join(moved_lines(before, result)))
        context.out("".join(f"Machine {name} is drained\n" for name in names if not left[name]))
    else:
        _document(context, left, result)
    code = tell_trouble(result)
    explained = {one.unit for one in result.plan.remaining}
    for name, units in left.items():
        if others := units - explained:
            why = (
                "the drain stopped before their turn" if code else "they came while it was drained"
            )
            say_left(name, sorted(others), why, "sshfleet reconcile goes on with it")
    return code or (ExitCode.NOT_SO if any(left.values()) else ExitCode.DONE)


def _left(state: "DesiredState", name: "MachineName") -> "frozenset[UnitName]":
    """Return what is placed on a machine."""
    machine = state.id_of(name)
    return frozenset(unit for unit, one in state.units.items() if machine in one.placements)


def moved_lines(before: "DesiredState", result: "Result") -> list[str]:
    """Say of each unit that left where it is now."""
    from sshfleet.cli.outcome import where
    from sshfleet.render.states import state_line

    lines = []
    for name, unit in sorted(result.world.desired.units.items()):
        was = before.units[name].placements if name in before.units else unit.placements
        if was - unit.placements:
            lines.append(state_line(name, unit.target, where(unit, result)))
    return lines


def _document(
    context: Context, left: "dict[MachineName, frozenset[UnitName]]", result: "Result"
) -> None:
    from sshfleet.cli.outcome import done_document
    from sshfleet.render.document import Document, written

    machines = [
        {"name": name, "drained": not units, "units": sorted(units)} for name, units in left.items()
    ]
    document: Document = {**done_document(result), "machines": machines}
    context.out(written(document, context.settings.output.value))

"""cordon and uncordon: whether a machine is given new units. Nothing that runs is touched.

Rule 1: no machine is contacted: a machine that is away can be cordoned all the same.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.cli.units import DryRun

if TYPE_CHECKING:
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.machine import MachineName

Machines = Annotated[list[str], typer.Argument(metavar="MACHINE...", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("cordon")(cordon)
    app.command("uncordon")(uncordon)


def cordon(ctx: typer.Context, machines: Machines, dry_run: DryRun = False) -> int:
    """Give machines no new units; what runs there goes on."""
    return _set(ctx.obj, machines, on=True, dry_run=dry_run)


def uncordon(ctx: typer.Context, machines: Machines, dry_run: DryRun = False) -> int:
    """Give machines units again."""
    return _set(ctx.obj, machines, on=False, dry_run=dry_run)


def _set(context: Context, said: list[str], *, on: bool, dry_run: bool) -> int:
    from sshfleet.cli.planning import foreseen
    from sshfleet.cli.running import run
    from sshfleet.command import Command
    from sshfleet.plan.intent import cordoned

    with context.open_journal(dry_run=dry_run) as journal:
        names = _named(context, said, journal.state)
        command = Command(
            decide=lambda world: cordoned(names, world, on=on), scope=frozenset(), contact=()
        )
        if dry_run:
            return foreseen(context, journal, command)
        run(context, journal, command)
    _tell(context, names, on=on)
    return 0


def _named(context: Context, said: list[str], state: "DesiredState") -> "list[MachineName]":
    """Look up machines; one that has left the inventory can still be uncordoned."""
    from sshfleet.cli.machine_names import machine_called

    left = {str(name): name for name in state.cordoned if not context.fleet.machine(name)}
    names = [
        left[word] if word in left else machine_called(context.fleet, state, word).name
        for word in said
    ]
    return list(dict.fromkeys(names))


def _tell(context: Context, names: "list[MachineName]", *, on: bool) -> None:
    from sshfleet.cli.settings import Output
    from sshfleet.render.document import VERSION, written

    if context.settings.output is Output.TABLE:
        word = "cordoned" if on else "uncordoned"
        context.out("".join(f"Machine {name} {word}\n" for name in names))
        return
    machines = [{"name": name, "cordoned": on} for name in names]
    document: dict[str, object] = {"version": VERSION, "machines": machines}
    context.out(written(document, context.settings.output.value))

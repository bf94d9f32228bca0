"""lease extend: leases that last while nobody is there to renew them.

Rule 1: a machine that did not take its lease is named, and the exit code is not 0: whoever leaves
now has to know what will stop.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from sshfleet.command import Command, Result
    from sshfleet.memory import Memory

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="How long machines keep leased units unheard.",
)
For = Annotated[
    str, typer.Option("--for", metavar="TIME", help="How long, such as 8h; at most 24h.")
]


def register(root: typer.Typer) -> None:
    """Add the verbs of this module."""
    root.add_typer(app, name="lease")


@app.callback()
def _group() -> None:
    """Without a callback, typer would make a single verb of the group."""


@app.command("extend")
def extend(ctx: typer.Context, length: For) -> int:
    """Let leased units run for so long without being renewed."""
    from sshfleet.cli.moments import seconds_in
    from sshfleet.cli.running import run
    from sshfleet.inventory.values import LONGEST_LEASE

    context: Context = ctx.obj
    seconds = seconds_in("--for", length)
    if seconds > LONGEST_LEASE:
        raise UsageError(f"--for {length} is too long", hint="24h at most; then extend again")
    with context.open_journal() as journal:
        command = _command(context, journal, seconds)
        if not command.contact:
            context.note("no unit has Failover=lease")
            return ExitCode.DONE
        return _told(context, length, run(context, journal, command))


def _command(context: Context, journal: "Memory", seconds: int) -> "Command":
    """Look at the machines that leased units are placed on, and do nothing else."""
    from sshfleet.cli.running import command_for
    from sshfleet.contact import contacted
    from sshfleet.plan.intent import Intent
    from sshfleet.plan.leases import units_under_lease
    from sshfleet.unitfile.registered import Registered

    state = journal.state
    units = units_under_lease(state, Registered(state, {}), context.fleet.failover)
    command = command_for(context, state, [], lambda _: Intent(()), "lease extend")
    machines = contacted(context.fleet, state, units)
    return replace(command, contact=machines, lease=float(seconds))


def _told(context: Context, length: str, result: "Result") -> int:
    from sshfleet.cli.errors import say_error
    from sshfleet.plan.leases import leased

    world, code = result.world, ExitCode.DONE
    for id_ in sorted(leased(world), key=world.last_name_of):
        name = world.last_name_of(id_)
        if id_ in world.renewed:
            context.say(f"Machine {name} keeps its leased units for {length}\n")
        else:
            code = ExitCode.UNREACHABLE
            say_error(f"{name} did not take its lease", f"sshfleet doctor tells more of {name}")
    return code

"""Verbs that go to a machine and hand on what it says: status, journal, ssh; and verify."""

from pathlib import Path
from typing import Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.errors import SshfleetError, UsageError

Lines = Annotated[int, typer.Option("-n", "--lines", min=0, help="How many lines back.")]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Go on with new lines.")]
Sudo = Annotated[bool, typer.Option("--sudo", help="As in fleetctl; it is done anyway.")]
Mode = Annotated[str, typer.Option("-o", "--output", help="journalctl's output mode.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("status")(status)
    app.command("journal")(journal)
    app.command("ssh", context_settings={"allow_interspersed_args": False})(ssh)
    app.command("verify")(verify)


def status(
    ctx: typer.Context, units: Annotated[list[str], typer.Argument(metavar="UNIT...")]
) -> int:
    """Show systemctl status of units, from their machines."""
    from sshfleet.cli.remote import show_status

    context: Context = ctx.obj
    return show_status(context, units)


def journal(
    ctx: typer.Context,
    unit: Annotated[str, typer.Argument(metavar="UNIT")],
    lines: Lines = 10,
    follow: Follow = False,
    output: Mode = "short",
    _sudo: Sudo = False,
) -> int:
    """Show journalctl of a unit, from its machines."""
    from sshfleet.cli.journals import show_journal
    from sshfleet.systemd.journalctl import Logs

    context: Context = ctx.obj
    logs = Logs(lines=lines, follow=follow, output=output)
    return show_journal(context, unit, logs)


def ssh(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="MACHINE|UNIT [CMD...]")] = None,
    machine: Annotated[str, typer.Option("--machine", help="This machine.")] = "",
    unit: Annotated[str, typer.Option("--unit", help="The machine of this unit.")] = "",
    forward_agent: Annotated[
        bool, typer.Option("-A", "--forward-agent", help="Lend your agent to the machine.")
    ] = False,
) -> int:
    """Open a shell on a machine, or run a command there."""
    from sshfleet.cli.shell import destination, open_shell

    context: Context = ctx.obj
    command = list(words or [])
    if machine and unit:
        raise UsageError("--machine and --unit exclude each other", hint="give one of them")
    if not machine and not unit and not command:
        raise UsageError("no machine or unit given", hint="sshfleet ssh MACHINE [CMD...]")
    try:
        named = destination(context, machine, unit, "" if machine or unit else command.pop(0))
        if command[:1] == ["--"]:
            del command[0]
    except SshfleetError as error:
        error.hint = error.hint or "see sshfleet list-machines and sshfleet list-unit-files"
        raise
    return open_shell(context, named, command, forward_agent=forward_agent)


def verify(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="UNIT-FILE...")],
    on: Annotated[str, typer.Option("--on", metavar="MACHINE", help="Ask systemd there.")] = "",
) -> int:
    """Check unit files before they are submitted."""
    from sshfleet.cli.verifying import verify_files

    return verify_files(ctx.obj, files, on)

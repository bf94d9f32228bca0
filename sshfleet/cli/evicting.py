"""evict: the admin vouches that machines are dead, and their units are placed elsewhere.

Rule 1: machines are looked at first, and one that answers is refused.
Rule 2: what would happen is shown, and a yes is needed; without a terminal, --yes.
Rule 3: the inventory's fence_command comes before anything is given up.
"""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context, whoami
from sshfleet.cli.cordoning import Machines
from sshfleet.cli.settings import Output
from sshfleet.cli.units import DryRun
from sshfleet.errors import ExitCode, SshfleetError, UsageError

if TYPE_CHECKING:
    from sshfleet.command import Command, Result
    from sshfleet.model.desired import DesiredState
    from sshfleet.plan.evicting import Evicted

Yes = Annotated[bool, typer.Option("--yes", help="They are dead: do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("evict")(evict)


def evict(ctx: typer.Context, machines: Machines, yes: Yes = False, dry_run: DryRun = False) -> int:
    """Place the units of dead machines elsewhere."""
    from sshfleet.cli.running import run

    context: Context = ctx.obj
    with context.open_journal(dry_run=dry_run) as journal:
        dead = [_called(context, journal.state, said) for said in dict.fromkeys(machines)]
        command = _command(context, journal.state, dead)
        code = _show(context, journal.state, command, dead, alone=dry_run)
        if dry_run:
            return code
        if not yes and not _agreed(context, dead):
            context.note("nothing was changed")
            return ExitCode.NOT_SO
        _fence(context, dead)
        before = journal.state
        return _told(context, dead, before, run(context, journal, command))


def _called(context: Context, state: "DesiredState", said: str) -> "Evicted":
    """Look up a machine, which may have left the inventory, by its name or the start of its ID."""
    from sshfleet.cli.machine_names import machine_called
    from sshfleet.plan.evicting import Evicted

    prefix = said.removesuffix("...").lower()
    named = [one for one in state.machines.values() if one.name == said]
    begun = [one for id_, one in state.machines.items() if prefix and id_.startswith(prefix)]
    found = named or ([] if context.fleet.machine(said) else begun)
    if len(found) > 1:
        raise UsageError(
            f"'{said}' fits several machines: {', '.join(one.id for one in found)}",
            hint="give more of its ID",
        )
    if found:
        return Evicted(found[0].id, found[0].name)
    name = machine_called(context.fleet, state, said).name
    raise UsageError(f"{name} was never seen: it has no units", hint="see sshfleet list-machines")


def _command(context: Context, state: "DesiredState", dead: "list[Evicted]") -> "Command":
    from sshfleet.cli.running import command_for
    from sshfleet.plan.evicting import evicted

    by = whoami()
    units = sorted(state.units_on(one.id for one in dead))
    return command_for(
        context, state, units, lambda world: evicted(dead, world, by), "evict", may_move=True
    )


def _show(
    context: Context,
    state: "DesiredState",
    command: "Command",
    dead: "list[Evicted]",
    *,
    alone: bool,
) -> int:
    """Show what would happen; `alone` that is all there is. Return the exit code of the plan."""
    from sshfleet.cli.outcome import trouble_code
    from sshfleet.cli.planning import rehearsed, show
    from sshfleet.memory import Rehearsal
    from sshfleet.render.plan import plan_text

    result, shown = rehearsed(context, Rehearsal(state), command)
    result = _with_staying(result, dead)
    shown = replace(shown, plan=result.plan)
    if alone:
        show(context, shown)
    else:
        context.say(plan_text(shown, colour=context.colour))
        context.flush()
    return trouble_code(result)


def _with_staying(result: "Result", dead: "list[Evicted]") -> "Result":
    """Add which units stay, and why; that their machine is away is what this is about."""
    from sshfleet.plan.evicting import staying

    labels = {result.world.last_name_of(one.id) for one in dead}
    away = tuple(one for one in result.plan.away if one.machine not in labels)
    plan = replace(result.plan, remaining=staying(result.world, dead), away=away)
    return replace(result, plan=plan)


def _agreed(context: Context, dead: "list[Evicted]") -> bool:
    from sshfleet.cli.questions import ask

    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to vouch that these machines are dead; nothing was changed",
            hint="make sure that they are off, then: sshfleet evict --yes",
        )
    names = ", ".join(one.name or one.id[:8] for one in dead)
    return context.run(
        ask(f"Are you sure that {names} is off, and stays off? Units may run twice.")
    )


def _fence(context: Context, dead: "list[Evicted]") -> None:
    """Switch machines off for sure that can be; raise SshfleetError when that fails."""
    from sshfleet.fence import fence

    for one in dead:
        machine = context.fleet.machine(one.name)
        if machine and machine.fence_command:
            if why := context.run(fence(machine)):
                raise SshfleetError(
                    f"{machine.name}: {why}; nothing was given up",
                    hint=f"try it by hand: {' '.join(machine.fence_command)}",
                )
            context.note(f"{machine.name} was fenced")


def _told(context: Context, dead: "list[Evicted]", before: "DesiredState", result: "Result") -> int:
    from sshfleet.cli.draining import moved_lines
    from sshfleet.cli.outcome import done_document, tell_trouble
    from sshfleet.render.document import Document, written

    result = _with_staying(result, dead)
    if context.settings.output is Output.TABLE:
        context.out("".join(moved_lines(before, result)))
    else:
        machines = [{"name": one.name or None, "machine_id": one.id} for one in dead]
        document: Document = {**done_document(result), "machines": machines}
        context.out(written(document, context.settings.output.value))
    return tell_trouble(result)

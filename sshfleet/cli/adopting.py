"""adopt: take back from the machines what a journal does not know, or take them over from another.

Rule 1: what was found is shown before anything is written.
Rule 2: a journal that was lost is rebuilt in its place without a question. Whatever else, a journal
in use here or machines that another journal changed last, takes `--take-over` and a yes.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context, can_answer
from sshfleet.cli.settings import Output
from sshfleet.cli.units import DryRun
from sshfleet.errors import ExitCode, SshfleetError, UsageError
from sshfleet.model.owner import whose

if TYPE_CHECKING:
    from sshfleet.adopt import Survey
    from sshfleet.memory import Memory
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.machine import Machine, MachineName
    from sshfleet.model.observed import Unreachable

Machines = Annotated[list[str] | None, typer.Argument(metavar="[MACHINE...]", show_default=False)]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="From another journal, or into one that is in use.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Take over without asking.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("adopt")(adopt)


def adopt(
    ctx: typer.Context,
    machines: Machines = None,
    take_over: TakeOver = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> int:
    """Rebuild the journal from what machines hold, and take them over."""
    from sshfleet.cli.machine_names import machine_called

    context: Context = ctx.obj
    with context.open_journal(dry_run=dry_run) as journal:
        named = [machine_called(context.fleet, journal.state, said) for said in machines or ()]
        only = named or list(context.fleet.machines)
        if not take_over:
            _refuse_if_in_use(journal.state)
        found = context.run(_survey(context, journal.state, only))
        if not found.owners:
            return _nothing(context, found)
        _show(context, found)
        if dry_run:
            return _document(context, found, {}, written=False)
        if not take_over:
            _refuse_others(context, found)
        if take_over and not yes and not _agreed(context, found):
            context.note("nothing was changed")
            return _document(context, found, {}, written=False) or ExitCode.NOT_SO
        missed = context.run(_take(context, journal, found))
        _tell(context, found, missed)
        return _document(context, found, missed, written=True)


def _refuse_if_in_use(state: "DesiredState") -> None:
    if state.units or state.has_worked():
        raise SshfleetError(
            "this journal is in use: it knows units or has worked on machines",
            hint="sshfleet adopt --take-over adds to it what the machines hold; "
            "for a new one: --journal PATH",
        )


def _refuse_others(context: Context, found: "Survey") -> None:
    for name, owner in found.owners.items():
        if owner and not owner.is_of(context.signature):
            raise SshfleetError(
                f"{name} belongs to a journal that may be in use ({whose(owner)}); "
                "nothing was changed",
                hint="use that one, or take its machines over: sshfleet adopt --take-over",
            )


async def _survey(context: Context, state: "DesiredState", only: "list[Machine]") -> "Survey":
    from sshfleet.adopt import survey

    async with context.connect() as transport:
        return await survey(transport, context.fleet, state, only)


async def _take(
    context: Context, journal: "Memory", found: "Survey"
) -> "dict[MachineName, Unreachable]":
    from sshfleet.adopt import take

    async with context.connect() as transport:
        return await take(transport, context.fleet, journal, found, context.signature)


def _nothing(context: Context, found: "Survey") -> int:
    _tell_silent(context, found)
    if context.settings.output is Output.TABLE:
        context.out("nothing to adopt: this journal knows all that its machines hold\n")
    _document(context, found, {}, written=False)
    return ExitCode.UNREACHABLE if found.silent() else ExitCode.DONE


def _show(context: Context, found: "Survey") -> None:
    from sshfleet.render.adoption import machines_table, units_table

    _tell_silent(context, found)
    context.say(machines_table(found.owners) + "\n" + units_table(found.adoption.units))
    context.flush()


def _tell_silent(context: Context, found: "Survey") -> None:
    for name, report in sorted(found.silent().items()):
        context.note(f"warning: {name}: {report.detail}; what it holds is not adopted")


def _agreed(context: Context, found: "Survey") -> bool:
    from sshfleet.cli.questions import ask

    if not can_answer():
        raise UsageError(
            "nobody is there to be asked whether to take these machines over; nothing was changed",
            hint="read what was found, then: sshfleet adopt --take-over --yes",
        )
    count = len(found.owners)
    machines = "1 machine" if count == 1 else f"{count} machines"
    question = f"Take {machines} over? The journal that had them is refused there from then on."
    return context.run(ask(question))


def _tell(context: Context, found: "Survey", missed: "dict[MachineName, Unreachable]") -> None:
    units = sum(not one.why_not for one in found.adoption.units)
    context.say(f"adopted {units} units on {len(found.owners)} machines\n")
    for name, report in sorted(missed.items()):
        context.note(
            f"warning: {name} could not be marked ({report.detail}): until the next command that "
            "changes it, the journal that had it may go on there"
        )
    context.note("look with sshfleet plan before anything else")


def _document(
    context: Context, found: "Survey", missed: "dict[MachineName, Unreachable]", *, written: bool
) -> int:
    from sshfleet.render import document
    from sshfleet.render.adoption import adoption_document

    if context.settings.output is not Output.TABLE:
        silent = {name: one.detail for name, one in {**found.silent(), **missed}.items()}
        said = adoption_document(found.owners, found.adoption.units, silent, written=written)
        context.out(document.written(said, context.settings.output.value))
    bad = any(one.why_not for one in found.adoption.units)
    if bad:
        return ExitCode.NOT_SO
    return ExitCode.UNREACHABLE if found.silent() or missed else ExitCode.DONE

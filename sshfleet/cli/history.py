"""`history`: what the journal says happened. It takes no lock, contacts nobody, changes nothing."""

import sys
from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context, now
from sshfleet.cli.lists import Fields, NoLegend
from sshfleet.cli.settings import Output
from sshfleet.errors import UsageError
from sshfleet.model.machine import MachineId

if TYPE_CHECKING:
    from sshfleet.cli.happened import Wanted

Row = dict[str, str]

Lines = Annotated[
    int | None, typer.Option("-n", "--lines", metavar="N", help="The last N only. [all]")
]
Unit = Annotated[
    list[str] | None,
    typer.Option("--unit", metavar="NAME|GLOB", help="Of this unit; may be given several times."),
]
Machine = Annotated[
    list[str] | None,
    typer.Option(
        "--machine", metavar="NAME|ID", help="On this machine; may be given several times."
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="From then on: 2h, 3d, 2026-11-23 or RFC 3339.",
    ),
]
Until = Annotated[
    str, typer.Option("--until", metavar="TIME", help="Up to then; a day counts in full.")
]
Failed = Annotated[bool, typer.Option("--failed", help="Only what failed, or ended unknown.")]
Full = Annotated[
    bool, typer.Option("-l", "--full", help="Show times in UTC, user@host, whole IDs and hashes.")
]


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command("history")(history)


def history(
    ctx: typer.Context,
    lines: Lines = None,
    unit: Unit = None,
    machine: Machine = None,
    since: Since = "",
    until: Until = "",
    failed: Failed = False,
    full: Full = False,
    no_legend: NoLegend = False,
    fields: Fields = None,
) -> int:
    """Show what happened, when, by whom and why."""
    from sshfleet.cli.happened import Wanted
    from sshfleet.cli.moments import first_moment, last_moment
    from sshfleet.render.fields import chosen

    columns = chosen("history", fields)
    if lines is not None and lines < 0:
        raise UsageError("--lines is below 0", hint="leave it out to see all")
    time = now()
    wanted = Wanted(
        units=unit or (),
        machines=machine or (),
        since=first_moment(since, time) if since else None,
        until=last_moment(until, time) if until else None,
        failed=failed,
    )
    last = None if lines is None else min(lines, sys.maxsize)
    rows = _rows(ctx.obj, wanted, last, full=full)
    _show(ctx.obj, rows, columns, legend=not no_legend)
    return 0


def _rows(context: Context, wanted: "Wanted", last: int | None, *, full: bool) -> list[Row]:
    from sshfleet.cli.happened import chosen
    from sshfleet.cli.hashes import Hashes
    from sshfleet.journal.store import read_history
    from sshfleet.render.happenings import happenings
    from sshfleet.render.history import History, history_row

    state = cache(context.read_state)
    hashes = Hashes(state)

    def called(machine: str) -> str:
        known = state().machines.get(MachineId(machine))
        return known.name if known else ""

    told = happenings(hashes.passing(read_history(context.journal_path)))
    kept = deque(chosen(told, wanted, state), maxlen=last)
    history = History(
        local=lambda at: at.astimezone(),
        year=now().astimezone().year,
        called=called,
        hash_of=cache(hashes.of),
        full=full or context.settings.output is not Output.TABLE,
    )
    return [history_row(one, history) for one in kept]


def _show(context: Context, rows: list[Row], columns: Sequence[str], *, legend: bool) -> None:
    from sshfleet.render.history import colour_of
    from sshfleet.render.listing import listing
    from sshfleet.render.tables import table

    output, colour = context.settings.output, context.colour
    if output is Output.TABLE:
        context.out(table(rows, columns, legend=legend, colour=colour, colour_of=colour_of))
    else:
        context.out(listing("history", rows, lines=output is Output.JSONL))

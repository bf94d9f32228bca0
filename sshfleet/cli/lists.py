"""list-machines, list-units, list-unit-files: fleet's tables, and the same as JSON."""

from typing import Annotated

import typer

from sshfleet.cli.context import Context

Full = Annotated[bool, typer.Option("-l", "--full", help="Show whole IDs and hashes.")]
NoLegend = Annotated[bool, typer.Option("--no-legend", help="Leave out the line of headings.")]
Fields = Annotated[str | None, typer.Option("--fields", help="Columns, divided by commas.")]
Cached = Annotated[bool, typer.Option("--cached", help="As last seen; contact no machine.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("list-machines")(list_machines)
    app.command("list-units")(list_units)
    app.command("list-unit-files")(list_unit_files)


def list_machines(
    ctx: typer.Context,
    full: Full = False,
    no_legend: NoLegend = False,
    fields: Fields = None,
    cached: Cached = False,
) -> int:
    """List the machines of the inventory."""
    from sshfleet.cli.look import Look
    from sshfleet.render.rows import machine_rows

    context: Context = ctx.obj
    look = Look(context, "list-machines", full, no_legend, fields)
    look.at(context.fleet.machines, cached=cached)
    look.show("machines", machine_rows(look.view()))
    return 0


def list_units(
    ctx: typer.Context,
    full: Full = False,
    no_legend: NoLegend = False,
    fields: Fields = None,
    cached: Cached = False,
) -> int:
    """List units as systemd on the machines reports them now."""
    from sshfleet.cli.look import Look
    from sshfleet.render.rows import unit_rows

    context: Context = ctx.obj
    look = Look(context, "list-units", full, no_legend, fields)
    look.at(context.fleet.machines, cached=cached)
    rows = unit_rows(look.view())
    look.show("units", rows)
    for row in rows:
        if row.get("old_text") == "yes":
            look.tell_old_text(row["unit"], row["name"])
    return 0


def list_unit_files(
    ctx: typer.Context,
    full: Full = False,
    no_legend: NoLegend = False,
    fields: Fields = None,
    cached: Cached = False,
) -> int:
    """List registered units: what is wanted of them, and where."""
    from sshfleet.cli.look import Look
    from sshfleet.contact import contacted
    from sshfleet.render.rows import file_rows
    from sshfleet.unitfile.registered import Registered

    context: Context = ctx.obj
    look = Look(context, "list-unit-files", full, no_legend, fields)
    look.at(contacted(context.fleet, look.state, look.state.units), cached=cached)
    look.show("unit_files", file_rows(look.view(), Registered(look.state, {})))
    return 0

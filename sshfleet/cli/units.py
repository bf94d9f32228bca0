"""The verbs that change what is wanted: submit load start restart stop unload destroy, and cat."""

from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.changing import How, Texts, change, put
from sshfleet.cli.context import Context
from sshfleet.cli.errors import tell

if TYPE_CHECKING:
    from sshfleet.model.desired import DesiredState, DesiredUnit

Units = Annotated[list[str], typer.Argument(metavar="UNIT...", show_default=False)]
Replace = Annotated[bool, typer.Option("--replace", help="Give known units the text on disk.")]
Instances = Annotated[
    bool, typer.Option("--instances", help="With --replace of a template: its instances too.")
]
NoBlock = Annotated[bool, typer.Option("--no-block", help="Do not wait for the units.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; do nothing.")]
Attempts = Annotated[
    int, typer.Option("--block-attempts", help="Wait for N times 2 seconds; 0: --timeout.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (submit, load, start, restart, stop, unload, destroy, cat):
        app.command(verb.__name__)(verb)


def submit(
    ctx: typer.Context,
    units: Units,
    replace: Replace = False,
    instances: Instances = False,
    dry_run: DryRun = False,
) -> int:
    """Register unit files; nothing is sent anywhere."""
    return put(ctx.obj, "submit", units, Texts(replace, instances), How(dry_run=dry_run))


def load(
    ctx: typer.Context,
    units: Units,
    no_block: NoBlock = False,
    block_attempts: Attempts = 0,
    replace: Replace = False,
    instances: Instances = False,
    dry_run: DryRun = False,
) -> int:
    """Choose machines and put the files there; start nothing."""
    how = How(no_block, block_attempts, dry_run)
    return put(ctx.obj, "load", units, Texts(replace, instances), how)


def start(
    ctx: typer.Context,
    units: Units,
    no_block: NoBlock = False,
    block_attempts: Attempts = 0,
    replace: Replace = False,
    instances: Instances = False,
    dry_run: DryRun = False,
) -> int:
    """Load units and start them; wait until they are active."""
    how = How(no_block, block_attempts, dry_run)
    return put(ctx.obj, "start", units, Texts(replace, instances), how)


def restart(
    ctx: typer.Context,
    units: Units,
    no_block: NoBlock = False,
    block_attempts: Attempts = 0,
    dry_run: DryRun = False,
) -> int:
    """Restart units, wherever they run."""
    return change(ctx.obj, "restart", units, How(no_block, block_attempts, dry_run))


def stop(
    ctx: typer.Context,
    units: Units,
    no_block: NoBlock = False,
    block_attempts: Attempts = 0,
    dry_run: DryRun = False,
) -> int:
    """Stop units; they stay loaded."""
    return change(ctx.obj, "stop", units, How(no_block, block_attempts, dry_run))


def unload(
    ctx: typer.Context,
    units: Units,
    no_block: NoBlock = False,
    block_attempts: Attempts = 0,
    dry_run: DryRun = False,
) -> int:
    """Stop units and take them off their machines."""
    return change(ctx.obj, "unload", units, How(no_block, block_attempts, dry_run))


def destroy(
    ctx: typer.Context,
    units: Units,
    no_block: NoBlock = False,
    block_attempts: Attempts = 0,
    dry_run: DryRun = False,
) -> int:
    """Unload units and forget them."""
    return change(ctx.obj, "destroy", units, How(no_block, block_attempts, dry_run))


def cat(ctx: typer.Context, unit: Annotated[str, typer.Argument(metavar="UNIT")]) -> int:
    """Print the registered text of a unit, byte for byte; drop-ins follow, each by its name."""
    from sshfleet.cli.lookup import known, not_known

    context: Context = ctx.obj
    state = context.read_state()
    names, unknown = known([unit], state)
    for argument in unknown:
        tell(not_known(argument, state))
    for name in names:
        context.raw(_whole_text(state, state.units[name]).encode())
    return 1 if unknown else 0


def _whole_text(state: "DesiredState", unit: "DesiredUnit") -> str:
    """Return a unit's text and, as `systemctl cat` shows them, its drop-ins."""
    text = state.texts[unit.sha256]
    for name in sorted(unit.dropins):
        end = "" if text.endswith("\n") else "\n"
        text += f"{end}# {unit.name}.d/{name}\n{state.texts[unit.dropins[name]]}"
    return text

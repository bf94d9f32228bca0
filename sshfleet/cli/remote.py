"""`status`: what systemctl says of units on their machines, made safe to show."""

import asyncio
from collections.abc import Iterable

from sshfleet.cli.context import Context
from sshfleet.cli.errors import say_error, tell
from sshfleet.cli.lookup import known, not_known
from sshfleet.contact import placed_on
from sshfleet.errors import ExitCode
from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import Machine
from sshfleet.model.step import Completed, Run
from sshfleet.model.unit import UnitName
from sshfleet.render.safe import safe_bytes, safe_line
from sshfleet.transport.base import Transport, TransportError

SSH_FAILED = 255

Placed = tuple[str, Machine, Run]
"""What to print above it (nothing where a unit has one machine only), where, and what to run."""


def show_status(context: Context, arguments: Iterable[str]) -> int:
    """Print `systemctl status` of each unit from each of its machines; the first code not 0."""
    state = context.read_state()
    names, unknown = known(arguments, state, placed=True)
    for argument in unknown:
        tell(not_known(argument, state))
    codes = [int(ExitCode.NOT_SO)] if tell_not_loaded(state, names) or unknown else []
    placed = [one for name in names for one in _placed(context, state, name)]
    if placed:
        codes += context.run(_statuses(context, placed))
    return next((code for code in codes if code), 0)


def _placed(context: Context, state: DesiredState, name: UnitName) -> Iterable[Placed]:
    from sshfleet.systemd.argv import status_run

    machines = placed_on(context.fleet, state, name)
    for machine in machines:
        heading = f"{safe_line(machine.name)}\n" if len(machines) > 1 else ""
        yield heading, machine, status_run(name)


def tell_not_loaded(state: DesiredState, names: Iterable[UnitName]) -> bool:
    """Tell of the units that are on no machine; return whether there are any."""
    missing = [name for name in names if not state.units[name].placements]
    for name in missing:
        say_error(f"Unit {name} does not appear to be loaded.", f"sshfleet start {name}")
    return bool(missing)


async def _statuses(context: Context, placed: list[Placed]) -> list[int]:
    """Ask all machines at once; print what they say in the order that was asked for."""
    async with context.connect() as transport:
        asked = [asyncio.create_task(_ask(transport, one)) for one in placed]
        try:
            codes = []
            for number, (heading, machine, _) in enumerate(placed):
                done = await asked[number]
                context.out("\n" * bool(number) + heading)
                codes.append(_print(context, machine, done))
                context.flush()
            return codes
        finally:
            for task in asked:
                task.cancel()


async def _ask(transport: Transport, placed: Placed) -> Completed | TransportError:
    _, machine, run = placed
    try:
        return await transport.run(machine, run)
    except TransportError as error:
        return error


def _print(context: Context, machine: Machine, done: Completed | TransportError) -> int:
    if isinstance(done, TransportError):
        say_error(f"{machine.name} cannot be reached ({done.message})", done.hint)
        return SSH_FAILED
    context.out(safe_bytes(done.stdout))
    context.err(safe_bytes(done.stderr))
    return SSH_FAILED if done.status is None else done.status

"""`status` and `journal`: what systemctl and journalctl say on the machine, made safe to show."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sshfleet.cli.context import Context
from sshfleet.cli.errors import say_error, tell
from sshfleet.cli.lookup import known, not_known
from sshfleet.contact import placed_on
from sshfleet.errors import ExitCode, SshfleetError, UsageError
from sshfleet.model.desired import DesiredState
from sshfleet.model.machine import Machine
from sshfleet.model.step import Run
from sshfleet.model.unit import UnitName
from sshfleet.render.safe import safe_bytes
from sshfleet.transport.base import Transport, TransportError

if TYPE_CHECKING:
    from sshfleet.systemd.argv import Logs

SSH_FAILED = 255


def show_status(context: Context, arguments: Iterable[str]) -> int:
    """Print `systemctl status` of each unit from each of its machines; the first code not 0."""
    from sshfleet.systemd.argv import status_run

    state = context.read_state()
    names, unknown = known(arguments, state)
    for argument in unknown:
        tell(not_known(argument, state))
    placed = [
        (name, machine) for name in names for machine in placed_on(context.fleet, state, name)
    ]
    codes = [int(ExitCode.NOT_SO)] if unknown or _tell_not_loaded(state, names) else []
    if placed:
        codes += context.run(_statuses(context, placed, status_run))
    return next((code for code in codes if code), 0)


def _tell_not_loaded(state: DesiredState, names: Iterable[UnitName]) -> bool:
    missing = [name for name in names if not state.units[name].placements]
    for name in missing:
        say_error(f"Unit {name} does not appear to be loaded.", f"sshfleet start {name}")
    return bool(missing)


async def _statuses(
    context: Context, placed: list[tuple[UnitName, Machine]], make: Callable[[UnitName], Run]
) -> list[int]:
    codes = []
    async with context.connect() as transport:
        for number, (name, machine) in enumerate(placed):
            if number:
                context.out("\n")
            codes.append(await _status(context, transport, machine, make(name)))
    return codes


async def _status(context: Context, transport: Transport, machine: Machine, run: Run) -> int:
    try:
        done = await transport.run(machine, run)
    except TransportError as error:
        say_error(f"{machine.name} cannot be reached ({error.message})", error.hint)
        return SSH_FAILED
    context.out(safe_bytes(done.stdout))
    context.err(safe_bytes(done.stderr))
    return SSH_FAILED if done.status is None else done.status


def show_journal(context: Context, argument: str, logs: "Logs") -> int:
    """Print journalctl's lines about a unit; those of several machines carry the machine's name."""
    from sshfleet.systemd.argv import journal_run

    state = context.read_state()
    names, unknown = known([argument], state)
    if unknown:
        return tell(not_known(argument, state))
    if len(names) > 1:
        raise SshfleetError("journal shows one unit at a time", hint="give one unit's name")
    if _tell_not_loaded(state, names):
        return ExitCode.NOT_SO
    try:
        run = journal_run(names[0], logs)
    except ValueError:
        raise UsageError(
            f"journalctl has no output mode '{logs.output}', or --lines is below 0",
            hint="modes are short, short-iso, json, cat and others: man journalctl",
        ) from None
    return context.run(_journals(context, placed_on(context.fleet, state, names[0]), run))


async def _journals(context: Context, machines: list[Machine], run: Run) -> int:
    prefixed = len(machines) > 1
    async with context.connect() as transport:
        codes = await asyncio.gather(
            *(
                _journal(transport, machine, run, Lines(context, machine.name if prefixed else ""))
                for machine in machines
            )
        )
    return next((code for code in codes if code), 0)


async def _journal(transport: Transport, machine: Machine, run: Run, lines: "Lines") -> int:
    try:
        code = await transport.stream(machine, run, lines.take)
    except TransportError as error:
        say_error(f"{machine.name} cannot be reached ({error.message})", error.hint)
        code = SSH_FAILED
    lines.end()
    return code


class Lines:
    """Whole lines out of chunks, so that machines do not write into each other's."""

    def __init__(self, context: Context, prefix: str) -> None:
        self._context, self._prefix = context, f"{prefix} | " if prefix else ""
        self._rest = b""

    def take(self, chunk: bytes) -> None:
        """Show the lines that a chunk completes."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._context.out(f"{self._prefix}{safe_bytes(line)}\n")
        self._context.flush()

    def end(self) -> None:
        """Show what is left."""
        if self._rest:
            self.take(b"\n")

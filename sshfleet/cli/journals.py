"""`journal`: what journalctl says of a unit; of several machines as one, in the order of time."""

import asyncio
import contextlib
import math
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sshfleet.cli.context import Context
from sshfleet.cli.errors import say_error, tell
from sshfleet.cli.lookup import known, not_known
from sshfleet.cli.remote import SSH_FAILED, tell_not_loaded
from sshfleet.contact import placed_on
from sshfleet.errors import ExitCode, SshfleetError, UsageError
from sshfleet.model.machine import Machine
from sshfleet.model.step import Run
from sshfleet.render.safe import safe_bytes, safe_json
from sshfleet.systemd.lines import Lines
from sshfleet.transport.base import Transport, TransportError

if TYPE_CHECKING:
    from sshfleet.systemd.journalctl import Logs
    from sshfleet.systemd.merging import Merge

HOLD = 0.5  # seconds a line waits, with --follow, for earlier ones of other machines
TICK = 0.25
RAW = ("cat", "export")  # whose bytes go to a file as they are

Show = Callable[[bytes], None]


def show_journal(context: Context, argument: str, logs: "Logs") -> int:
    """Print journalctl's lines about a unit; those of several machines carry the machine's name."""
    from sshfleet.systemd.journalctl import journal_run, mode_of

    state = context.read_state()
    names, unknown = known([argument], state, placed=True)
    if unknown:
        return tell(not_known(argument, state))
    if len(names) > 1:
        raise SshfleetError("journal shows one unit at a time", hint="give one unit's name")
    if tell_not_loaded(state, names):
        return ExitCode.NOT_SO
    machines = placed_on(context.fleet, state, names[0])
    mode = mode_of(logs.output)
    try:
        if len(machines) > 1:
            run = journal_run(names[0], replace(logs, output=mode.asked), mode.more)
        else:
            run = journal_run(names[0], logs)
    except ValueError:
        raise UsageError(
            f"journalctl has no output mode '{logs.output}', or --lines is below 0",
            hint="modes are short, short-iso, json, cat and others: man journalctl",
        ) from None
    show = _printer(context, logs.output)
    if len(machines) == 1:
        return context.run(_alone(context, machines[0], run, show))
    from sshfleet.systemd.merging import Merge

    merge = Merge([one.name for one in machines], mode, HOLD if logs.follow else math.inf)
    return context.run(Merged(context, merge, show, marked=mode.marked).run(machines, run))


def _printer(context: Context, output: str) -> Show:
    """Return what prints a line: safe for a terminal, and as it is where only a file takes it."""
    if output in RAW and stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
        return lambda line: context.raw(line + b"\n")
    made_safe = safe_json if output.startswith("json") else safe_bytes
    return lambda line: context.out(made_safe(line) + "\n")


async def _alone(context: Context, machine: Machine, run: Run, show: Show) -> int:
    out, err = Lines(), Lines()

    def take(data: bytes, is_error: bool) -> None:
        for line in (err if is_error else out).take(data):
            _complain(context, "", line) if is_error else show(line)
        context.flush()

    async with context.connect() as transport:
        code = await _stream(transport, machine, run, take)
    for line in err.rest():
        _complain(context, "", line)
    for line in out.rest():
        show(line)
    return code


async def _stream(
    transport: Transport, machine: Machine, run: Run, take: Callable[[bytes, bool], None]
) -> int:
    try:
        return await transport.stream(machine, run, take)
    except TransportError as error:
        say_error(f"{machine.name} cannot be reached ({error.message})", error.hint)
        return SSH_FAILED


def _complain(context: Context, machine: str, line: bytes) -> None:
    context.err(f"{machine} | " * bool(machine) + safe_bytes(line) + "\n")


class Merged:
    """The journals of several machines, shown as one while they arrive."""

    def __init__(self, context: Context, merge: "Merge", show: Show, *, marked: bool) -> None:
        self._context, self._merge, self._show, self._marked = context, merge, show, marked

    async def run(self, machines: list[Machine], run: Run) -> int:
        """Show until all have ended, or this is cancelled; return the first code not 0."""
        async with self._context.connect() as transport:
            streams = asyncio.gather(*(self._follow(transport, one, run) for one in machines))
            clock = asyncio.create_task(self._tick())
            try:
                both: set[asyncio.Future[Any]] = {streams, clock}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if clock.done():
                    clock.result()  # stdout was closed
                return next((code for code in streams.result() if code), 0)
            except asyncio.CancelledError:
                for machine in machines:
                    self._end(machine)
                raise
            finally:
                clock.cancel()
                streams.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await streams

    async def _follow(self, transport: Transport, machine: Machine, run: Run) -> int:
        err = Lines()

        def take(data: bytes, is_error: bool) -> None:
            if is_error:
                for line in err.take(data):
                    _complain(self._context, machine.name, line)
            else:
                self._merge.take(machine.name, data, _now())
                self._print()

        code = await _stream(transport, machine, run, take)
        for line in err.rest():
            _complain(self._context, machine.name, line)
        self._end(machine)
        return code

    def _end(self, machine: Machine) -> None:
        self._merge.end(machine.name, _now())
        self._print()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._print()

    def _print(self) -> None:
        for machine, line in self._merge.ready(_now()):
            self._show(f"{machine} | ".encode() + line if self._marked else line)
        self._context.flush()


def _now() -> float:
    return asyncio.get_running_loop().time()

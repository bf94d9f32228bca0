"""`reconcile --every SECONDS`: one cycle after the other, for as long as no signal comes.

Rule 1: cycles begin at fixed distances of a clock that nobody can set; what was missed while one
took longer is not made up for.
Rule 2: between two cycles nothing is held: no lock, no connection, nothing that was read.
Rule 3: what goes wrong in a cycle ends that cycle. Only a bug ends the service: whoever started it
starts it again, fresh.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass

from sshfleet.cli.context import Context
from sshfleet.cli.errors import tell
from sshfleet.cli.news import News
from sshfleet.cli.notify import Supervisor
from sshfleet.errors import ExitCode, JournalBusy, SshfleetError

Work = Callable[[Context], int]


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that only go on, and a way to let some pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Cycles:
    """Cycles of a service: each starts afresh, survives what goes wrong, and tells only news."""

    def __init__(self, fresh: Callable[[], Context], work: Work) -> None:
        self._fresh, self._work = fresh, work
        self._news = News(sys.stderr)
        self._trouble = False

    def run(self) -> int:
        """Run one; return the exit code that a single run would have ended with."""
        context, code = self._fresh(), int(ExitCode.DONE)
        skipped = False
        with redirect_stderr(self._news):
            try:
                code = self._work(context)
            except JournalBusy as busy:
                skipped, code = True, busy.exit_code
                context.note(f"skipped: {busy.message}")
            except SshfleetError as error:
                code = tell(error)
            finally:
                self._news.turn_ended(skipped=skipped)
        if not skipped:
            if self._trouble and not code:
                context.note("all is well again")
            self._trouble = bool(code)
        context.flush()
        return code


def serve(
    cycle: Callable[[], int],
    every: float,
    over: Callable[[], bool],
    supervisor: Supervisor,
    clock: Clock,
) -> None:
    """Run a cycle each `every` seconds until `over` says so or a signal raises Interrupted."""
    due = clock.now()
    try:
        while not over():
            begun = clock.now()
            code = cycle()
            supervisor.cycle_ended(_status(code, clock.now() - begun))
            due = next_due(due, every, clock.now())
            while not over() and (left := due - clock.now()) > 0:
                clock.sleep(min(left, supervisor.pace))
                supervisor.alive()
    finally:
        supervisor.stopping()


def next_due(due: float, every: float, now: float) -> float:
    """Return when the next cycle is to begin: the first of the times planned that is not over."""
    return due + every * max(1, math.ceil((now - due) / every))


def ask_nobody() -> None:
    """Let stdin be empty: a service asks no questions."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _status(code: int, seconds: float) -> str:
    ended = "all is well" if code == ExitCode.DONE else f"exit code {code}"
    return f"last cycle: {ended}, took {seconds:.1f} s"

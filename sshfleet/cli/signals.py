"""SIGINT (Ctrl-C), SIGTERM and SIGHUP, from the first word of a command to its last.

Rule 1: what was ignored when we were started stays so (nohup, the background of a script).
Rule 2: while a run goes on a signal only leaves word, so nothing is cut short in the midst of a
write to the journal. Elsewhere it raises Interrupted.
Rule 3: a second signal ends the program at once, and so does the time: nothing that hangs can keep
it. What is on disk and on machines is then what a kill -9 leaves: sound.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from sshfleet.errors import ExitCode

if TYPE_CHECKING:
    from sshfleet.stop import Stop

T = TypeVar("T")

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ECHO = 0.3  # seconds in which a second signal is the first one again: timeout(1), make and the
# kernel at the end of a terminal all send theirs twice
CLOSING = 5.0  # seconds to close connections and tell what there is to tell


class Interrupted(BaseException):
    """A signal ended the work. A BaseException of our own: typer swallows KeyboardInterrupt.

    `wrote` tells whether the journal had been written by then; None where none was open.
    """

    wrote: bool | None = None


class Signals:
    """A context manager: the signals of one command. `number` is the first that came, or 0."""

    def __init__(self) -> None:
        self.number = 0
        self._came = 0.0
        self._running = False
        self._wake: Callable[[], None] | None = None
        self._before: dict[int, object] = {}

    @property
    def code(self) -> ExitCode:
        """Return the exit code that the first signal means; DONE when none came."""
        if not self.number:
            return ExitCode.DONE
        return ExitCode.INTERRUPTED if self.number == signal.SIGINT else ExitCode.TERMINATED

    @property
    def word(self) -> str:
        """Say how the command ended."""
        return "terminated" if self.code == ExitCode.TERMINATED else "interrupted"

    def __enter__(self) -> Self:
        for number in ENDING:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._arrived)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def run(
        self,
        work: Coroutine[None, None, T],
        stop: "Stop | None" = None,
        note: Callable[[str], None] = lambda _: None,
    ) -> T:
        """Run a coroutine; a signal cancels it, and Interrupted is raised.

        Once a run has begun that can `stop`, it is asked to instead, and its result returned.
        """
        import asyncio

        self._running = True
        try:
            return asyncio.run(self._watched(work, stop, note))
        except asyncio.CancelledError:
            if self.number:
                raise Interrupted from None
            raise
        finally:
            self._running = False

    async def _watched(
        self, work: Coroutine[None, None, T], stop: "Stop | None", note: Callable[[str], None]
    ) -> T:
        import asyncio

        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

        def heed() -> None:
            if not (stop and stop.begun):
                task.cancel()
                return
            self._end_within(stop.grace + CLOSING)
            if machines := stop.limit():
                with suppress(OSError):
                    note(self._stopping(machines, stop.grace))

        def wake() -> None:
            if stop:
                stop.ask()
            loop.call_soon_threadsafe(heed)

        self._wake = wake
        if self.number:  # it came while the loop was being made
            task.cancel()
        try:
            return await task
        finally:
            self._wake = None

    def _stopping(self, machines: int, seconds: float) -> str:
        who = "1 machine" if machines == 1 else f"{machines} machines"
        again = "Ctrl-C" if self.number == signal.SIGINT else signal.Signals(self.number).name
        return f"stopping: waiting up to {seconds:g} s for {who}; {again} again ends at once"

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _let_go_of_a_closed_terminal()
        if self.number:
            if time.monotonic() - self._came > ECHO:
                self._end_at_once()
            return
        self.number, self._came = number, time.monotonic()
        self._end_within(CLOSING)
        if self._wake:
            self._wake()
        elif not self._running:
            raise Interrupted

    def _end_within(self, seconds: float) -> None:
        signal.signal(signal.SIGALRM, lambda *_: self._end_at_once())
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _end_at_once(self) -> None:
        """End without a look back; a terminal gets its cursor again, which progress had hidden."""
        words = f"{self.word} at once; the journal is sound, sshfleet reconcile goes on\n"
        with suppress(OSError, ValueError):
            if os.isatty(2) and os.environ.get("TERM") != "dumb":
                words = f"\r\x1b[K\x1b[?25h{words}"
            if select.select([], [2], [], 0)[1]:  # or it might never take it
                os.write(2, words.encode())
        os._exit(self.code)


def _let_go_of_a_closed_terminal() -> None:
    """Let what is still to be said go nowhere once its terminal is gone."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def say(words: str) -> None:
    """Tell something on stderr, if there is still somebody to tell."""
    with suppress(OSError, ValueError):
        sys.stderr.write(words)
        sys.stderr.flush()

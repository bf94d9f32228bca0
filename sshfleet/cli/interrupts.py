"""Signals: Ctrl-C, SIGTERM and SIGHUP cancel what runs, close connections, and end the program."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

from sshfleet.cli.terminated import Interrupted, Terminated

T = TypeVar("T")


def run(work: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end; raise Terminated or Interrupted when a signal ends it."""
    try:
        return asyncio.run(_interruptible(work))
    except KeyboardInterrupt:
        raise Interrupted from None


async def _interruptible(work: Coroutine[None, None, T]) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    ended: list[int] = []

    def end(number: int) -> None:
        ended.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    try:
        return await task
    except asyncio.CancelledError:
        if ended:
            raise Terminated from None
        task.cancel()
        raise

"""A run is asked to stop: it begins nothing new, and what is in flight gets a few seconds more."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

GRACE = 10.0  # seconds for what is in flight


class Stop:
    """Says that a run is to stop. `begun` tells that it has: before that it may be cancelled."""

    def __init__(self, grace: float = GRACE) -> None:
        self.asked = False
        self.begun = False
        self.grace = grace
        self._end: float | None = None
        self._in_flight: set[asyncio.Timeout] = set()

    def ask(self) -> None:
        """Let nothing new begin; harmless in a signal handler."""
        self.asked = True

    def limit(self) -> int:
        """Let what is in flight end within the grace; return how much that is."""
        self._end = asyncio.get_running_loop().time() + self.grace
        for timeout in self._in_flight:
            timeout.reschedule(self._end)
        return len(self._in_flight)

    async def within(self, work: Coroutine[None, None, T], otherwise: T) -> T:
        """Let work end; return `otherwise` when it is not waited for any longer."""
        try:
            async with asyncio.timeout_at(self._end) as timeout:
                self._in_flight.add(timeout)
                try:
                    return await work
                finally:
                    self._in_flight.discard(timeout)
        except TimeoutError:
            return otherwise

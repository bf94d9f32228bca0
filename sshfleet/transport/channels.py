"""Turns on the channels of one connection: a server may allow fewer than we would like."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 8
"""Below MaxSessions, which is 10 by default, sshd_config(5)."""


class Channels:
    """Counts open channels; learns the server's limit when it refuses one."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._open = 0
        self._freed = asyncio.Event()

    async def wait(self) -> None:
        """Wait until one more may be opened."""
        while self._open >= self._at_once:
            self._freed.clear()
            await self._freed.wait()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Count a channel as open; to be entered right after `wait`."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._freed.set()

    def refused(self) -> bool:
        """Learn from a refusal, while the refused one is still held; False: no use to wait."""
        others = self._open - 1
        self._at_once = max(1, min(self._at_once, others))
        return others > 0

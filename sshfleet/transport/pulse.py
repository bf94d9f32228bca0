"""How long this program did not listen: its event loop stood still.

It was stopped (Ctrl-Z, a laptop's lid), had no processor, or did something long. Then time runs out
for machines that have answered long ago: timers that are due come before what has just arrived.
"""

import asyncio

BEAT = 0.25
"""Seconds between two beats."""


class Pulse:
    """Beats while an event loop turns; `missed` are the seconds in which it did not."""

    def __init__(self) -> None:
        self.missed = 0.0
        self._loop = asyncio.get_running_loop()
        self._beat()

    def _beat(self, due: float | None = None) -> None:
        now = self._loop.time()
        late = now - due if due else 0.0
        if late > BEAT:
            self.missed += late
        self._timer = self._loop.call_at(now + BEAT, self._beat, now + BEAT)

    def stop(self) -> None:
        """Beat no more."""
        self._timer.cancel()

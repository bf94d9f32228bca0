"""Turns at logging in: so many machines at once as this computer, or a jump host, can carry.

A login costs something while its machine answers, and next to nothing while it keeps us waiting.
So whoever is kept waiting lets the next one go ahead and goes on beside it: machines that are dead
or stubborn hold an open file each, and nobody else's turn.

Rule 1: waiting is counted in rounds of the event loop, not in seconds. When this computer is the
slow one its rounds are long, and no machine passes for slow.
Rule 2: of the machines that took our TCP and then keep us waiting one a round is passed. They may
all be slow for a reason that they share, such as a thin line, and more logins would choke it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sshfleet.transport.trouble import Progress, Stage

ROUND = 0.1
"""Seconds of a round, at least."""

PATIENCE = 5
"""Rounds in which a login must get on."""


@dataclass(slots=True, eq=False)
class _Turn:
    """A login that has its turn: how far it had come, and for how many rounds it has not moved."""

    progress: Progress
    stage: Stage
    rounds: int = 0

    def is_kept_waiting(self) -> bool:
        """Look at it once more, a round later."""
        if self.progress.stage is self.stage:
            self.rounds += 1
        else:
            self.stage, self.rounds = self.progress.stage, 0
        return self.rounds >= PATIENCE


class Turns:
    """Lets so many go on at once, not counting those that are kept waiting."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._going: set[_Turn] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def free(self) -> bool:
        """Tell whether the next one need not wait."""
        return not self._free.locked()

    @asynccontextmanager
    async def turn(self, progress: Progress) -> AsyncIterator[None]:
        """Wait for a turn, and hold it to the end of the login or until that is kept waiting."""
        await self._free.acquire()
        turn = _Turn(progress, progress.stage)
        self._going.add(turn)
        self._wind()
        try:
            yield
        finally:
            self._end(turn)

    def _wind(self) -> None:
        if self._going and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROUND, self._round)

    def _round(self) -> None:
        self._timer = None
        kept = [turn for turn in self._going if turn.is_kept_waiting()]
        silent = [turn for turn in kept if turn.stage <= Stage.DIALING]
        slow = [turn for turn in kept if turn.stage > Stage.DIALING]
        for turn in (*silent, *slow[:1]):
            self._end(turn)
        self._wind()

    def _end(self, turn: _Turn) -> None:
        if turn in self._going:
            self._going.remove(turn)
            self._free.release()
        if not self._going and self._timer:
            self._timer.cancel()
            self._timer = None


@asynccontextmanager
async def in_turn(queues: Iterable[Turns], progress: Progress) -> AsyncIterator[None]:
    """Wait for a turn in each of these queues, one after the other, and hold them all."""
    async with AsyncExitStack() as stack:
        for queue in queues:
            await stack.enter_async_context(queue.turn(progress))
        yield

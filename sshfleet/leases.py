"""Keep the leases of machines alive while a run lasts, however long it waits for others.

Rule 1: a promise is in the journal before the lease is sent: what a machine may act on, another run
knows.
Rule 2: the end of a lease is reckoned from what the machine's own clock said, so however late it
arrives, it ends when it was promised to end.
Rule 3: a machine that does not take its lease is no error: it ends its units itself, and the next
look tells.
"""

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sshfleet.clock import Clock
from sshfleet.memory import Memory
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import LeasesPromised
from sshfleet.model.machine import Machine, MachineId
from sshfleet.model.observed import Reached
from sshfleet.plan.leases import DRIFT, Leased, still_held, surely_over
from sshfleet.systemd.renewal import Renewal, renewal, renewed
from sshfleet.transport.base import Transport, TransportError

WITHIN = 5.0  # seconds for one renewal


@dataclass(frozen=True, slots=True)
class _Pulse:
    """What the clocks of a machine said when ours said `at`; `wall` and `uptime` in seconds."""

    machine: Machine
    id: MachineId
    boot_id: str
    uptime: float
    wall: int
    at: float


class Keeper:
    """Renews the leases of the machines that answered; `length` in seconds is of each lease."""

    def __init__(self, memory: Memory, transport: Transport, clock: Clock, length: float) -> None:
        self._memory, self._transport, self._clock = memory, transport, clock
        self._length = length
        self._pulses: dict[MachineId, _Pulse] = {}
        self._due: Mapping[MachineId, Leased] = {}
        self._sent: dict[MachineId, Leased] = {}
        self._taken: set[MachineId] = set()
        self._unsaid: dict[MachineId, int] = {}  # seconds until all will have ended there

    @property
    def taken(self) -> frozenset[MachineId]:
        """Return the machines that have taken a lease from this run."""
        return frozenset(self._taken)

    async def met(self, machine: Machine, report: Reached) -> None:
        """Take note of the clocks of a machine that has just answered, and renew its lease."""
        id_, now = report.machine, self._clock.seconds()
        self._pulses[id_] = _Pulse(machine, id_, report.boot_id, report.uptime, report.wall, now)
        await self._renew([id_])

    async def cover(
        self, leased: Mapping[MachineId, Leased], starting: Iterable[MachineId] = ()
    ) -> None:
        """Let the leases of machines that answered cover these units, where they do not yet.

        Where something is about to start they are renewed: with its last unit a machine forgets
        its lease.
        """
        self._due = leased
        due = {id_ for id_ in self._pulses if leased.get(id_) != self._sent.get(id_)}
        await self._renew(due.union(starting) & self._pulses.keys())

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Renew all leases again and again, three times in the length of one."""
        task = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._length / 3)
            await self._renew(list(self._pulses))

    async def _renew(self, machines: Iterable[MachineId]) -> None:
        due = {id_: self._due[id_] for id_ in sorted(machines) if id_ in self._due}
        if not due:
            return
        now = self._clock.seconds()
        lengths = {id_: self._length_for(id_, one, now) for id_, one in due.items()}
        for id_, length in lengths.items():
            over = math.ceil(surely_over(length, due[id_].stopping))
            self._unsaid[id_] = max(over, self._unsaid.get(id_, 0))
        await asyncio.sleep(0)  # machines that answer in this moment share a record of the journal
        self._promise()
        self._sent.update(due)
        orders = [self._order(id_, one, lengths[id_], now) for id_, one in due.items()]
        await asyncio.gather(*map(self._send, due, orders))

    def _length_for(self, machine: MachineId, due: Leased, now: float) -> float:
        """Return how long the next lease is: one that was extended is not cut short."""
        before = self._memory.state.leases.get(machine)
        if before is None or before.boot != self._clock.boot:
            return self._length
        left = still_held(before.until / 1000 - now, due.stopping)
        return max(self._length, left)

    def _promise(self) -> None:
        """Write down all promises that are not yet; each caller finds its own written after it."""
        if self._unsaid:
            promises = _promises(self._unsaid, self._memory.state, self._clock)
            self._memory.append(promises)
            self._unsaid.clear()

    def _order(self, machine: MachineId, due: Leased, length: float, now: float) -> Renewal:
        pulse = self._pulses[machine]
        # A clock there that is slow must not make the lease longer than it was promised to be.
        ahead = (now - pulse.at) * (1 - DRIFT) + length
        state = self._memory.state
        return Renewal(
            boot_id=pulse.boot_id,
            deadline=pulse.uptime + ahead,
            wall=pulse.wall + math.ceil(ahead),
            number=state.leases[machine].number,
            lineage=state.lineage,
            units=self._due.get(machine, due).units,  # of two at once both send the newer
        )

    async def _send(self, machine: MachineId, order: Renewal) -> None:
        there = self._pulses[machine].machine
        nonce = secrets.token_hex(8)
        try:
            async with asyncio.timeout(WITHIN):
                completed = await self._transport.run(there, renewal(order, nonce))
            refused = renewed(completed, nonce)
        except (TransportError, TimeoutError) as error:
            refused = str(error) or "no answer"
        if refused:
            self._sent.pop(machine, None)
        else:
            self._taken.add(machine)


def ends(state: DesiredState, clock: Clock) -> dict[MachineId, float]:
    """Return in how many seconds what runs under the leases of each machine has surely ended.

    What was promised in another boot of this computer, or on another one, may have been promised
    just now.
    """
    now = clock.seconds()
    return {
        id_: lease.until / 1000 - now if lease.boot == clock.boot else float(lease.seconds)
        for id_, lease in state.leases.items()
    }


def carried_over(state: DesiredState, clock: Clock) -> tuple[LeasesPromised, ...]:
    """Return the promises of another boot as promises of this one, made just now."""
    others = {id_: lease.seconds for id_, lease in state.leases.items() if lease.boot != clock.boot}
    return _promises(others, state, clock)


def _promises(
    seconds: Mapping[MachineId, int], state: DesiredState, clock: Clock
) -> tuple[LeasesPromised, ...]:
    """Promise machines that in so many seconds all will have ended; one event for each length."""
    now = clock.seconds()
    before = [state.leases[id_].number for id_ in seconds if id_ in state.leases]
    together: dict[int, list[MachineId]] = {}
    for id_, over in sorted(seconds.items()):
        together.setdefault(over, []).append(id_)
    return tuple(
        LeasesPromised(
            machines=tuple(ids),
            boot=clock.boot,
            until=math.ceil((now + over) * 1000),
            seconds=over,
            number=max(before, default=0) + 1,
        )
        for over, ids in sorted(together.items())
    )

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
from sshfleet.model.event import LeasePromised
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
        pulses = [self._pulses[id_] for id_ in sorted(machines) if id_ in self._due]
        if not pulses:
            return
        now = self._clock.seconds()
        lengths = [self._length_for(pulse.id, now) for pulse in pulses]
        promises = [self._promise(*both, now) for both in zip(pulses, lengths, strict=True)]
        self._memory.append(promises)
        self._sent.update({pulse.id: self._due[pulse.id] for pulse in pulses})
        each = zip(pulses, lengths, promises, strict=True)
        await asyncio.gather(*(self._send(one[0], self._order(*one, now)) for one in each))

    def _length_for(self, machine: MachineId, now: float) -> float:
        """Return how long the next lease is: one that was extended is not cut short."""
        before = self._memory.state.leases.get(machine)
        if before is None or before.boot != self._clock.boot:
            return self._length
        left = still_held(before.until / 1000 - now, self._due[machine].stopping)
        return max(self._length, left)

    def _promise(self, pulse: _Pulse, length: float, now: float) -> LeasePromised:
        seconds = math.ceil(surely_over(length, self._due[pulse.id].stopping))
        before = self._memory.state.leases.get(pulse.id)
        return LeasePromised(
            machine=pulse.id,
            boot=self._clock.boot,
            until=math.ceil((now + seconds) * 1000),
            seconds=seconds,
            number=before.number + 1 if before else 1,
        )

    def _order(self, pulse: _Pulse, length: float, promise: LeasePromised, now: float) -> Renewal:
        # A clock there that is slow must not make the lease longer than it was promised to be.
        ahead = (now - pulse.at) * (1 - DRIFT) + length
        return Renewal(
            boot_id=pulse.boot_id,
            deadline=pulse.uptime + ahead,
            wall=pulse.wall + math.ceil(ahead),
            number=promise.number,
            lineage=self._memory.state.lineage,
            units=self._due[pulse.id].units,
        )

    async def _send(self, pulse: _Pulse, order: Renewal) -> None:
        nonce = secrets.token_hex(8)
        try:
            async with asyncio.timeout(WITHIN):
                completed = await self._transport.run(pulse.machine, renewal(order, nonce))
            refused = renewed(completed, nonce)
        except (TransportError, TimeoutError) as error:
            refused = str(error) or "no answer"
        if refused:
            self._sent.pop(pulse.id, None)
        else:
            self._taken.add(pulse.id)


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


def carried_over(state: DesiredState, clock: Clock) -> tuple[LeasePromised, ...]:
    """Return the promises of another boot as promises of this one, made just now."""
    now = clock.seconds()
    return tuple(
        LeasePromised(
            machine=id_,
            boot=clock.boot,
            until=math.ceil((now + lease.seconds) * 1000),
            seconds=lease.seconds,
            number=lease.number,
        )
        for id_, lease in sorted(state.leases.items())
        if lease.boot != clock.boot
    )

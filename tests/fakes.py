"""Fakes of what lies outside: a transport to fake machines, and a journal in memory."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event, JournalStarted
from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.systemd.fetch import SCRIPT as FETCH
from sshfleet.systemd.sh import RENEW_SCRIPT
from sshfleet.transport.base import TransportError
from tests.builders import LINEAGE
from tests.fake_machine import FakeMachine

STAGING = "/home/core/.sshfleet/staging"


class Killed(BaseException):
    """The controller dies right here."""


def dying(step: int | None) -> Callable[..., None]:
    """Return what may be called so many times and dies from then on; None: it never dies."""
    called = itertools.count()

    def die(*_: object) -> None:
        if step is not None and next(called) >= step:
            raise Killed

    return die


class MemoryJournal:
    """A journal without a disk; `before` is called ahead of each append that is not empty."""

    durable = True

    def __init__(self, *events: Event) -> None:
        self.events: list[Event] = [JournalStarted(LINEAGE), *events]
        self.before: Callable[[], None] = lambda: None

    @property
    def state(self) -> DesiredState:
        """Return the state folded from all events."""
        return fold(DesiredState(), self.events)

    def append(self, events: Sequence[Event]) -> None:
        """Take events as the real one does: all or none."""
        fold(self.state, events)
        if events:
            self.before()
        self.events += events


class FakeTransport:
    """Carries work to FakeMachines; `away` do not answer, `hook` is called before each journey.

    `deaf` do not even get what is sent, and of `mute` no answer arrives: journeys there never end.
    `opinions` scripts what one machine says of another, by both names: by default it finds those
    that are not `away`, and one that is away itself has none; `asked` are the pairs asked for.
    """

    def __init__(self, machines: Mapping[str, FakeMachine]) -> None:
        self.machines = machines
        self.away: set[str] = set()
        self.deaf: set[str] = set()
        self.mute: set[str] = set()
        self.opinions: dict[tuple[str, str], bool | None] = {}
        self.asked: list[tuple[str, str]] = []
        self.hook: Callable[[str, Run | None], None] = lambda _machine, _run: None
        self.journeys = 0

    async def __aenter__(self) -> "FakeTransport":
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    async def run(self, machine: Machine, run: Run) -> Completed:
        """Let the machine answer."""
        await self._travel(machine, run)
        there = self.machines[machine.name]
        answers = {FETCH: there.fetched, RENEW_SCRIPT: there.renew}
        answer = answers.get(run.script, there.answer)(run.data)
        if machine.name in self.mute:
            await asyncio.Event().wait()
        return Completed(status=0, stdout=answer, stderr=b"")

    async def deliver(
        self,
        machine: Machine,
        files: Mapping[str, bytes],
        run: Run,
        data: Callable[[str], bytes],
    ) -> Completed:
        """Leave files in the staging folder, and let the machine answer."""
        await self._travel(machine, None)
        self.machines[machine.name].staging.update(files)
        return await self.run(machine, replace(run, data=data(STAGING)))

    async def stream(self, machine: Machine, run: Run, sink: Callable[[bytes, bool], None]) -> int:
        """Hand on an answer in one piece."""
        sink((await self.run(machine, run)).stdout, False)
        return 0

    async def reaches(self, via: Machine, target: Machine) -> bool | None:
        """Give a machine's opinion of another one."""
        pair = (str(via.name), str(target.name))
        self.asked.append(pair)
        if via.name in self.away | self.deaf | self.mute:
            return None
        return self.opinions.get(pair, target.name not in self.away)

    async def _travel(self, machine: Machine, run: Run | None) -> None:
        self.journeys += 1
        self.hook(machine.name, run)
        if machine.name in self.deaf:
            await asyncio.Event().wait()
        if machine.name in self.away:
            raise TransportError(Trouble.SILENT, "no answer within 10 s")

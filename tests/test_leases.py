"""Leases as they are promised and sent, with a clock that the test sets."""

import asyncio

import pytest

from sshfleet.leases import Keeper, carried_over, ends
from sshfleet.model.desired import DesiredState, Lease
from sshfleet.model.event import LeasesPromised
from sshfleet.model.machine import MachineId
from sshfleet.model.observed import Reached
from sshfleet.model.unit import UnitName
from sshfleet.plan.leases import Leased, still_held, surely_over
from tests.builders import machine, machine_id, reached
from tests.fake_machine import FakeMachine
from tests.fakes import FakeTransport, MemoryJournal
from tests.stage import StageClock

M1 = machine_id("m1")
DUE = {M1: Leased((UnitName("db.service"),), 20.0)}


class Scene:
    """A machine, a journal, a clock, and who keeps the lease."""

    def __init__(self, length: float = 30.0) -> None:
        self.there = FakeMachine("m1")
        self.journal, self.clock = MemoryJournal(), StageClock()
        self.transport = FakeTransport({"m1": self.there})
        self.keeper = self.new(length)

    def new(self, length: float) -> Keeper:
        """Make who keeps leases of this length."""
        return Keeper(self.journal, self.transport, self.clock, length)

    def meets(self, keeper: Keeper) -> None:
        """Let a machine answer, with what is due there."""

        async def meet() -> None:
            await keeper.cover(DUE)
            await keeper.met(machine("m1"), self.report())

        asyncio.run(meet())

    def report(self) -> Reached:
        """Return what the machine says of its clocks."""
        there = self.there
        return reached(
            "m1",
            boot_id=there.boot_id(),
            uptime=there.uptime,
            wall=there.booted + int(there.uptime),
        )

    def passes(self, seconds: float) -> None:
        """Let time pass, here and there."""
        self.clock.now += seconds
        self.there.uptime += seconds

    def held(self) -> float:
        """Return how long the machine may go on by the lease it has."""
        assert self.there.lease is not None
        return self.there.lease.deadline - self.there.uptime


@pytest.fixture
def scene() -> Scene:
    return Scene()


def promises(scene: Scene) -> list[LeasesPromised]:
    return [one for one in scene.journal.events if isinstance(one, LeasesPromised)]


def test_a_lease_is_as_long_as_was_said_and_the_promise_covers_the_end_of_its_units(
    scene: Scene,
) -> None:
    scene.meets(scene.keeper)
    assert 29.0 <= scene.held() <= 30.0
    promised = promises(scene)[-1]
    assert promised.until / 1000 - scene.clock.now >= surely_over(30.0, 20.0) > 30.0 + 6.0 + 20.0
    assert scene.keeper.taken == {M1}


def test_a_lease_that_was_extended_is_not_cut_short_and_does_not_grow(scene: Scene) -> None:
    scene.meets(scene.new(3600.0))
    end = promises(scene)[-1].until
    for _ in range(50):
        scene.passes(10.0)
        scene.meets(scene.new(30.0))
        assert end - 2000 <= promises(scene)[-1].until <= end
        end = promises(scene)[-1].until
        assert scene.clock.now + scene.held() < end / 1000
    assert scene.held() > 3000.0
    scene.passes(4000.0)
    scene.meets(scene.new(30.0))
    assert scene.held() <= 30.0


def test_a_machine_that_does_not_take_its_lease_is_not_among_those_that_have(scene: Scene) -> None:
    scene.transport.away.add("m1")
    scene.meets(scene.keeper)
    assert (scene.keeper.taken, len(promises(scene))) == (frozenset(), 1)


def test_while_a_run_lasts_leases_are_renewed() -> None:
    scene = Scene(length=0.3)

    async def lasts() -> None:
        async with scene.keeper.keeping():
            await scene.keeper.cover(DUE)
            await scene.keeper.met(machine("m1"), scene.report())
            renewed = asyncio.Event()
            scene.there.hook = lambda: renewed.set() if len(promises(scene)) > 3 else None
            await asyncio.wait_for(renewed.wait(), 30)

    asyncio.run(lasts())


def test_machines_that_answer_together_share_a_record_and_none_is_sent_an_older_lease() -> None:
    names = [f"m{number}" for number in range(50)]
    there = {name: FakeMachine(name) for name in names}
    journal, clock = MemoryJournal(), StageClock()
    keeper = Keeper(journal, FakeTransport(there), clock, 30.0)
    older = {machine_id(name): Leased((UnitName("db.service"),), 20.0) for name in names}
    newer = {id_: Leased((UnitName("db.service"), UnitName("web.service")), 20.0) for id_ in older}
    covered = list[int]()

    def note() -> None:
        covered.extend(len(one.lease.units) for one in there.values() if one.lease)

    there["m0"].hook = note

    async def meet() -> None:
        await keeper.cover(older)
        reports = [reached(name, boot_id=there[name].boot_id(), uptime=9.0) for name in names]
        met = [keeper.met(machine(name), one) for name, one in zip(names, reports, strict=True)]
        await asyncio.gather(*met, keeper.cover(newer))

    asyncio.run(meet())
    promised = [one for one in journal.events if isinstance(one, LeasesPromised)]
    assert len(promised) == 1
    assert set(promised[0].machines) == set(older)
    note()
    assert set(covered) == {2}


def test_what_is_not_due_is_not_renewed(scene: Scene) -> None:
    async def meet() -> None:
        await scene.keeper.cover({})
        await scene.keeper.met(machine("m1"), scene.report())

    asyncio.run(meet())
    assert (promises(scene), scene.there.lease) == ([], None)


def test_the_end_of_a_lease_is_counted_by_the_clock_that_promised_it() -> None:
    clock = StageClock(now=100.0)
    here, elsewhere = MachineId("a"), MachineId("b")
    leases = {here: Lease(clock.boot, 130_000, 60, 1), elsewhere: Lease("other", 1, 60, 1)}
    state = DesiredState(leases=leases)
    assert ends(state, clock) == {here: 30.0, elsewhere: 60.0}
    (carried,) = carried_over(state, clock)
    assert (carried.machines, carried.until, carried.boot) == ((elsewhere,), 160_000, clock.boot)


def test_how_long_a_lease_still_holds_is_never_overrated() -> None:
    for length in (5.0, 90.0, 86400.0):
        assert length - 2.0 <= still_held(surely_over(length, 20.0), 20.0) < length

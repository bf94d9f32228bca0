"""What a run knows beyond its latest look: how machines stood before, leases, second opinions.

Rule 1: it is gathered once, after the first look; only the leases are kept up to date.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sshfleet.clock import BootClock, Clock
from sshfleet.leases import Keeper, ends
from sshfleet.model.machine import Fleet, Machine, MachineName
from sshfleet.model.observed import Observed
from sshfleet.model.standing import Standing
from sshfleet.model.unit import UnitName
from sshfleet.plan.failover import doubtful, to_be_fenced
from sshfleet.plan.world import World
from sshfleet.transport.base import Transport

WITNESSES = 2  # machines that are asked for a second opinion


async def _no_fence(_machine: Machine) -> str:
    return "nobody is there to run its fence_command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """How a run learns what one look does not tell.

    `stand` notes a look and tells how all machines have stood; `fence` switches a machine off and
    says why that failed, nothing when it is off for sure.
    """

    stand: Callable[[Observed], Mapping[MachineName, Standing]] = lambda _: {}
    fence: Callable[[Machine], Awaitable[str]] = _no_fence
    clock: Clock = field(default_factory=BootClock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """How machines have stood, whom others can reach, and whose fence_command said what.

    `keeper` renews the leases; there is none in a dry run.
    """

    clock: Clock
    keeper: Keeper | None
    standings: Mapping[MachineName, Standing] = field(default_factory=dict)
    alive_to_others: frozenset[MachineName] = frozenset()
    fenced: Mapping[MachineName, str] = field(default_factory=dict)

    def added_to(self, world: World) -> World:
        """Return a world with all that is known."""
        return replace(
            world,
            standings=self.standings,
            leases=ends(world.desired, self.clock),
            alive_to_others=self.alive_to_others,
            fenced=self.fenced,
            renewed=self.keeper.taken if self.keeper else frozenset(),
        )


async def gathered(
    senses: Senses,
    transport: Transport,
    world: World,
    scope: frozenset[UnitName],
    keeper: Keeper | None,
) -> Insight:
    """Learn what is needed to judge silent machines; a dry run, without a keeper, fences none."""
    standings = senses.stand(world.observed)
    known = Insight(clock=senses.clock, keeper=keeper, standings=standings)
    first = known.added_to(world)
    alive = await _second_opinions(transport, world, doubtful(first, scope))
    to_fence = to_be_fenced(first, scope) if keeper else ()
    fenced = await _fenced(senses, world.fleet, [name for name in to_fence if name not in alive])
    return replace(known, alive_to_others=alive, fenced=fenced)


async def _second_opinions(
    transport: Transport, world: World, names: Iterable[MachineName]
) -> frozenset[MachineName]:
    """Ask machines that answer whether they can reach others that do not; return those they can."""
    reached = sorted(world.observed.reached())
    near = [machine for name in reached if (machine := world.fleet.machine(name))]
    far = [machine for name in names if (machine := world.fleet.machine(name))]
    pairs = [(via, target) for target in far for via in near[:WITNESSES]]
    answers = await asyncio.gather(*(transport.reaches(via, target) for via, target in pairs))
    return frozenset(
        target.name for (_, target), answer in zip(pairs, answers, strict=True) if answer
    )


async def _fenced(
    senses: Senses, fleet: Fleet, names: Iterable[MachineName]
) -> dict[MachineName, str]:
    machines = [machine for name in names if (machine := fleet.machine(name))]
    words = await asyncio.gather(*map(senses.fence, machines))
    return {machine.name: word for machine, word in zip(machines, words, strict=True)}

"""A stage for histories: a fleet of fake machines, a journal in memory, and the verbs."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sshfleet.command import Command, Result, Setup
from sshfleet.contact import contacted
from sshfleet.converge import converge
from sshfleet.insight import Senses
from sshfleet.journal.standing_row import Look, Row, fold
from sshfleet.journal.standings import blind
from sshfleet.memory import Memory
from sshfleet.model.action import Plan
from sshfleet.model.machine import Fleet, Machine, MachineName
from sshfleet.model.observed import Observed, Unreachable
from sshfleet.model.standing import Standing
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.evicting import Evicted, evicted
from sshfleet.plan.intent import Intent, drained, registered_and_targeted, restarted, targeted
from sshfleet.plan.world import World
from sshfleet.stop import Stop
from sshfleet.unitfile.read import read_text
from sshfleet.unitfile.registered import Registered
from tests.fake_machine import FakeMachine
from tests.fakes import FakeTransport, MemoryJournal

GUARD_LOOKS = 5.0
TEXT = "[Service]\nExecStart=/bin/sleep infinity\n"


@dataclass(slots=True)
class StageClock:
    """A clock that a test sets."""

    boot: str = "boot-of-the-controller"
    now: float = 1000.0

    def seconds(self) -> float:
        """Return the time."""
        return self.now


class Stage:
    """A fleet of fake machines, a journal, and the verbs.

    `memory` is what runs append to; `told` are the plans that they made, turn by turn. `stop` is
    asked to end the next run. No time passes but by `let_pass`; `fences` say what the fence_command
    of a machine comes to.
    """

    def __init__(self, *machines: Machine) -> None:
        self.fleet = Fleet(name="test", machines=machines)
        self.machines: dict[str, FakeMachine] = {
            one.name: FakeMachine(one.name) for one in machines
        }
        self.transport = FakeTransport(self.machines)
        self.journal = MemoryJournal()
        self.memory: Memory = self.journal
        self.told: list[Plan] = []
        self.timeout = 5.0
        self.stop = Stop()
        self.clock = StageClock()
        self.rows: dict[MachineName, Row] = {}
        self.fences: dict[str, str] = {}

    def let_pass(self, seconds: float) -> None:
        """Let time pass everywhere; the guards of machines look every five seconds."""
        while seconds > 0:
            step = min(seconds, GUARD_LOOKS)
            seconds -= step
            self.clock.now += step
            for one in self.machines.values():
                one.uptime += step
                one.sweep()

    def start(self, *units: Unit, verb: str = "start") -> Result:
        """Run a verb that may place units."""

        def decide(world: World) -> Intent:
            return registered_and_targeted(world, units, verb, [unit.name for unit in units])

        return self._run(decide, [unit.name for unit in units], place=True)

    def change(self, verb: str, *names: str) -> Result:
        """Run a verb on registered units."""
        units = [UnitName(name) for name in names]

        def decide(world: World) -> Intent:
            return restarted(units, world) if verb == "restart" else targeted(verb, units, world)

        return self._run(decide, units, place=False)

    def reconcile(self) -> Result:
        """Make the machines what the journal says."""
        return self._run(lambda _: Intent(()), self.journal.state.units, place=True, insist=False)

    def drain(self, *machines: str) -> Result:
        """Let machines lose their units."""
        names = [MachineName(name) for name in machines]
        units = self.journal.state.units_on(map(self.journal.state.id_of, names))
        return self._run(lambda world: drained(names, world), units, place=True, insist=False)

    def evict(self, *machines: Evicted) -> Result:
        """Give up what machines have that are said to be dead."""
        units = self.journal.state.units_on(one.id for one in machines)
        return self._run(
            lambda world: evicted(machines, world, "me@here"), units, place=True, insist=False
        )

    def _run(
        self, decide: object, names: Iterable[str], *, place: bool, insist: bool = True
    ) -> Result:
        scope = frozenset(UnitName(name) for name in names)
        held = contacted(self.fleet, self.journal.state, scope)
        command = Command(
            decide=decide,  # type: ignore[arg-type]
            scope=scope,
            contact=self.fleet.machines if place else held,
            place=place,
            insist=insist,
            timeout=self.timeout,
            drains=place and not insist,
        )
        setup = Setup(
            fleet=self.fleet,
            journal=self.memory,
            connect=lambda: self.transport,
            read=lambda state: Registered(state, {}),
            tell=self.told.append,
            stop=self.stop,
            senses=Senses(stand=self._stand, fence=self._fence, clock=self.clock),
        )
        self.stop = Stop()
        return asyncio.run(converge(setup, command))

    def _stand(self, observed: Observed) -> dict[MachineName, Standing]:
        """Remember how machines stand, as the file beside the journal does."""
        now, away = round(self.clock.now * 1000), blind(observed)
        for name, report in observed.reports.items():
            trouble = report.trouble if isinstance(report, Unreachable) else None
            look = Look(
                trouble=trouble,
                detail="",
                at=datetime.fromtimestamp(self.clock.now, UTC),
                boot=self.clock.boot,
                began=now,
                ended=now,
                blind=away,
            )
            self.rows[name] = fold(self.rows.get(name), look)
        return {name: row.standing(self.clock.boot) for name, row in self.rows.items()}

    async def _fence(self, machine: Machine) -> str:
        return self.fences.get(machine.name, "it is not scripted")

    def running(self) -> dict[str, set[str]]:
        """Return what runs where, machines without anything left out."""
        return {name: found for name, one in self.machines.items() if (found := one.running())}


def service(name: str, rules: str = "", text: str = TEXT) -> Unit:
    """Make a service with these [X-Fleet] lines."""
    return read_text(UnitName(name), text + (f"[X-Fleet]\n{rules}\n" if rules else ""))


def quiet(result: Result) -> bool:
    """Tell whether nothing is left to do, to wait for or to complain of."""
    plan = result.plan
    bad = (plan.problems, plan.unplaceable, plan.away, plan.remaining)
    return not (plan.actions or plan.waiting or any(bad))

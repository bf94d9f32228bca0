"""A fleet of any size, in memory, for the growth table: all is placed, seen and healthy.

Ten units a machine: six plain ones, one each with MachineMetadata=, Conflicts=, MachineOf= and
Failover= (lease on one half of the machines, eager on the other). Two global units are everywhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from sshfleet.model import event as ev
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import FailoverMode, Fleet, Machine, MachineId, MachineName
from sshfleet.model.observed import (
    Observed,
    Reached,
    Record,
    Report,
    Trouble,
    UnitState,
    Unreachable,
)
from sshfleet.model.standing import Standing
from sshfleet.model.unit import Unit, UnitName, sha256_of
from sshfleet.plan.mode import guard_of, mode_of
from sshfleet.plan.world import World
from sshfleet.unitfile.registered import Registered

LINEAGE = "11111111-2222-3333-4444-555555555555"
RACKS = 10
GLOBALS = ("metrics.service", "logs.service")
_SILENT = Unreachable(trouble=Trouble.SILENT, detail="connection timed out")
_LOOKED = datetime(2026, 11, 23, tzinfo=UTC)


def text_of(name: str, rules: str) -> str:
    """Return a unit file; no two are the same."""
    more = f"\n[X-Fleet]\n{rules}\n" if rules else ""
    return (
        f"[Unit]\nDescription=The part {name} of a large fleet\nAfter=network-online.target\n\n"
        "[Service]\nExecStart=/usr/bin/server --port 8080 --verbose\nRestart=on-failure\n"
        f"RestartSec=5\nEnvironment=NAME={name}\n{more}"
    )


def _ten(machine: int) -> Iterator[tuple[str, str]]:
    """Yield the names and rules of the units of a machine."""
    for number in range(6):
        yield f"app-{machine}-{number}.service", ""
    yield f"rack-{machine}.service", f"MachineMetadata=rack={machine % RACKS}"
    yield f"alone-{machine}.service", "Conflicts=alone-*.service"
    yield f"beside-{machine}.service", f"MachineOf=app-{machine}-0.service"
    yield f"moves-{machine}.service", f"Failover={'lease' if machine % 2 else 'eager'}"


@dataclass(frozen=True)
class BigFleet:
    """Machines by their numbers, with ten units each; what is made from it is made once.

    One machine in `one_in` is lost or drained, and as many units are new, where a world asks for
    that. Machine IDs and unit names are of the type `text`.
    """

    size: int
    one_in: int = 100
    text: type[str] = str

    def id_of(self, number: int) -> MachineId:
        """Return the ID of a machine."""
        return MachineId(self.text(f"{number:032x}"))

    @cached_property
    def fleet(self) -> Fleet:
        """Return the inventory."""
        machines = tuple(
            Machine(
                name=MachineName(f"m{number}"),
                address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                metadata={"rack": str(number % RACKS), "disk": "ssd"},
            )
            for number in range(self.size)
        )
        return Fleet(name="big", machines=machines)

    @cached_property
    def events(self) -> list[Event]:
        """Return what the journal has."""
        events: list[Event] = [ev.JournalStarted(LINEAGE)]
        for number, machine in enumerate(self.fleet.machines):
            events.append(ev.MachineSeen(self.id_of(number), machine.name, machine.address))
        for name in GLOBALS:
            events += self.launched(name, "Global=true")
            events += self._placed(name, range(self.size), FailoverMode.MANUAL)
        for number in range(self.size):
            for name, rules in _ten(number):
                mode = FailoverMode(rules.partition("Failover=")[2] or "manual")
                events += [*self.launched(name, rules), *self._placed(name, [number], mode)]
        every = tuple(self.id_of(number) for number in range(self.size))
        events.append(ev.LeasesPromised(every, "boot", 1000, 100, 1))
        return events

    def _placed(self, name: str, numbers: Iterable[int], mode: FailoverMode) -> Iterator[Event]:
        failover = "" if mode is FailoverMode.MANUAL else mode.value
        unit = UnitName(self.text(name))
        for number in numbers:
            yield ev.UnitPlaced(unit, self.id_of(number), number + 1, "test", failover)

    @cached_property
    def desired(self) -> DesiredState:
        """Return the journal's state."""
        return fold(DesiredState(), self.events)

    @cached_property
    def units(self) -> Mapping[UnitName, Unit]:
        """Return all units, read."""
        units = Registered(self.desired, {})
        for name in units:
            _ = units[name]
        return units

    @cached_property
    def reports(self) -> Mapping[MachineName, Report]:
        """Return what all machines answered."""
        found: dict[MachineId, dict[UnitName, UnitState]] = {}
        for name, unit in self.desired.units.items():
            for machine in unit.placements:
                state = _running(self.units[name], unit.generation, self.fleet)
                found.setdefault(machine, {})[name] = state
        return {
            machine.name: _answer(self.id_of(number), found[self.id_of(number)])
            for number, machine in enumerate(self.fleet.machines)
        }

    def launched(self, name: str, rules: str) -> list[Event]:
        """Return the events of a unit that is to run."""
        text, unit = text_of(name, rules), UnitName(self.text(name))
        sha256 = sha256_of(text)
        return [
            ev.TextStored(sha256, text),
            ev.UnitSubmitted(unit, sha256),
            ev.TargetSet(unit, TargetState.LAUNCHED),
        ]

    def world(self) -> World:
        """Return a world in which nothing is to be done; nothing was derived from it yet."""
        return World(
            fleet=self.fleet,
            desired=fold(self.desired, ()),
            units=self.units,
            observed=Observed(self.reports),
            standings={one.name: Standing(trouble=None, since=_LOOKED) for one in self.lost},
            renewed=frozenset(self.desired.machines),
        )

    @property
    def lost(self) -> tuple[Machine, ...]:
        """Return some machines, of both ways to fail over."""
        return self.fleet.machines[: max(1, self.size // self.one_in)]

    def silent(self) -> World:
        """Return a world in which some machines have been silent for long."""
        gone = Standing(trouble=Trouble.SILENT, since=_LOOKED, looks=9, seconds=9999.0)
        return replace(
            self.world(),
            observed=Observed({**self.reports, **{one.name: _SILENT for one in self.lost}}),
            standings={one.name: gone for one in self.lost},
            leases=dict.fromkeys(self.desired.machines, -1.0),
        )

    def growing(self) -> World:
        """Return a world with new units."""
        rules = ("", "", "MachineMetadata=rack=3", "Conflicts=new-*.service")
        events: list[Event] = []
        for number in range(max(1, self.size // self.one_in)):
            events += self.launched(f"new-{number}.service", rules[number % len(rules)])
        return self.after(events)

    def draining(self) -> World:
        """Return a world in which some machines are to lose their units."""
        return self.after([ev.MachineDraining(one.name) for one in self.lost])

    def after(self, events: Iterable[Event]) -> World:
        """Return a world in which some more has come about, and all units are read."""
        desired = fold(self.desired, events)
        units = Registered(desired, {(n, u.content): u for n, u in self.units.items()})
        for name in units:
            _ = units[name]
        return replace(self.world(), desired=desired, units=units)


def _running(unit: Unit, generation: int, fleet: Fleet) -> UnitState:
    mode = mode_of(unit, fleet.failover)
    guard = guard_of(unit, mode)
    return UnitState(
        name=unit.name,
        load="loaded",
        active="active",
        sub="running",
        invocation=unit.sha256[:32],
        fragment=f"/etc/sshfleet/units/{unit.name}",
        sha256=unit.sha256,
        record=Record(
            lineage=LINEAGE,
            generation=generation,
            sha256=unit.content,
            target="launched",
            guard=guard,
        ),
        boot=mode is FailoverMode.MANUAL,
        runtime=mode is not FailoverMode.MANUAL,
        guarded=bool(guard),
    )


def _answer(machine: MachineId, units: Mapping[UnitName, UnitState]) -> Reached:
    return Reached(
        machine=machine,
        boot_id=machine,
        uptime=1000.0,
        os="Debian GNU/Linux 12 (bookworm)",
        arch="x86_64",
        systemd=252,
        cpus=2,
        memory=2**31,
        units=units,
    )

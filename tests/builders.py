"""Small builders of test data: say what matters to the test, the rest is filled in.

`unit("web.service", needs={"disk": "ssd"}, conflicts=["web*"])`, `machine("m1", rack="a")`,
`reached("m1", state("web.service"))`, `silent()`, `world(machine("m1"), units=[…], placed={…})`.
Machines are named by inventory names everywhere; `machine_id("m1")` is the ID such a machine has.
Desired state is folded from events, so a test starts from nothing that could not come about.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

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
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.world import World

LINEAGE = "11111111-2222-3333-4444-555555555555"

Names = Iterable[str] | str


def many(names: Names) -> list[str]:
    """Read one name or several."""
    return [names] if isinstance(names, str) else list(names)


def machine_id(name: str) -> MachineId:
    """Return the ID of a test machine; IDs sort as names do (up to 16 letters)."""
    return MachineId(name.encode().hex().ljust(32, "0")[:32])


def machine(name: str, **metadata: str) -> Machine:
    """Make an inventory entry with this metadata."""
    return Machine(name=MachineName(name), address=f"{name}.example", metadata=metadata)


def unit(
    name: str,
    *,
    needs: Mapping[str, Names] | None = None,
    conflicts: Names = (),
    machine_of: Names = (),
    text: str = "",
    **rules: str | bool | FailoverMode | tuple[str, ...],
) -> Unit:
    """Make a unit; `needs` maps a metadata key to a value or several, `rules` are Requirements."""
    requirements = Requirements(
        metadata=tuple((key, value) for key, ok in (needs or {}).items() for value in many(ok)),
        conflicts=tuple(many(conflicts)),
        machine_of=tuple(many(machine_of)),
        **rules,  # type: ignore[arg-type]
    )
    return unit_of(name, requirements, text)


def unit_of(name: str, requirements: Requirements, text: str = "") -> Unit:
    """Make a unit with these requirements; its text differs with them."""
    text = text or f"# {requirements}\n[Service]\nExecStart=/bin/sleep infinity\n"
    return Unit(
        name=UnitName(name),
        text=text,
        sha256=sha256(text),
        hash=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
        description="",
        requirements=requirements,
        installs=False,
    )


def sha256(text: str) -> str:
    """Return what tells one unit text from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def state(
    of: Unit | str, active: str = "active", sub: str = "running", **more: object
) -> UnitState:
    """Make a unit's state on a machine; of a Unit: with its file and record there."""
    name = of if isinstance(of, str) else of.name
    shown = UnitState(name=UnitName(name), load="loaded", active=active, sub=sub)
    if isinstance(of, Unit):
        record = Record(lineage=LINEAGE, generation=1, sha256=of.sha256, target="launched")
        shown = replace(shown, sha256=of.sha256, record=record)
    return replace(shown, **more)  # type: ignore[arg-type]


def reached(name: str, *states: UnitState, **more: object) -> Reached:
    """Make the report of a machine that answered; `machine=` in `more` gives another ID."""
    report = Reached(
        machine=machine_id(name),
        boot_id=f"boot-of-{name}",
        uptime=1000.0,
        os="Debian GNU/Linux 12 (bookworm)",
        arch="x86_64",
        systemd=252,
        cpus=2,
        memory=2**31,
        units={shown.name: shown for shown in states},
    )
    return replace(report, **more)  # type: ignore[arg-type]


def silent(detail: str = "connection timed out", trouble: Trouble = Trouble.SILENT) -> Unreachable:
    """Make the report of a machine that did not answer."""
    return Unreachable(trouble=trouble, detail=detail)


def world(
    *machines: Machine,
    units: Iterable[Unit] = (),
    placed: Mapping[str, Names] | None = None,
    held: Mapping[str, Names] | None = None,
    targets: Mapping[str, TargetState] | None = None,
    reports: Mapping[str, Report] | None = None,
    cordoned: Names = (),
) -> World:
    """Make a world: units launched unless `targets` says else, machines answering unless `reports`.

    `placed` and `held` map units to machine names, `held` being copies that placements left behind;
    generations follow the order of `held`, then of `placed`. A machine named only there is one that
    left the inventory.
    """
    units = list(units)
    seen = {MachineName(entry.name): reached(entry.name) for entry in machines}
    known = desired(units, placed=placed, held=held, targets=targets, seen=seen)
    return World(
        fleet=Fleet(name="test", machines=machines),
        desired=fold(known, [ev.MachineCordoned(MachineName(name)) for name in many(cordoned)]),
        units={each.name: each for each in units},
        observed=Observed({**seen, **{MachineName(n): r for n, r in (reports or {}).items()}}),
    )


def desired(
    units: Iterable[Unit],
    *,
    placed: Mapping[str, Names] | None = None,
    held: Mapping[str, Names] | None = None,
    targets: Mapping[str, TargetState] | None = None,
    seen: Iterable[str] = (),
) -> DesiredState:
    """Fold the desired state that `world` describes; `seen` are machines the journal knows."""
    placed, held, targets = placed or {}, held or {}, targets or {}
    named = [name for names in (*held.values(), *placed.values()) for name in many(names)]
    events: list[Event] = [ev.JournalStarted(LINEAGE)]
    events += [
        ev.MachineSeen(machine_id(name), MachineName(name), f"{name}.example")
        for name in dict.fromkeys((*seen, *named))
    ]
    for each in units:
        events += [ev.TextStored(each.sha256, each.text), ev.UnitSubmitted(each.name, each.sha256)]
        events.append(ev.TargetSet(each.name, TargetState.LAUNCHED))
    events += _placements(held, placed)
    events += [ev.TargetSet(UnitName(name), target) for name, target in targets.items()]
    return fold(DesiredState(), events)


def _placements(held: Mapping[str, Names], placed: Mapping[str, Names]) -> list[Event]:
    past = [(name, host) for name, hosts in held.items() for host in many(hosts)]
    now = [(name, host) for name, hosts in placed.items() for host in many(hosts)]
    events: list[Event] = []
    for generation, (name, host) in enumerate((*past, *now), start=1):
        where = machine_id(host)
        events.append(ev.UnitPlaced(UnitName(name), where, generation, "test"))
        if generation <= len(past):
            events.append(ev.UnitUnplaced(UnitName(name), where, "test"))
    return events

"""The rows of the lists: model → cells by field name. Empty text becomes `-` in a table."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sshfleet.model.desired import DesiredState, DesiredUnit
from sshfleet.model.drift import drift_of
from sshfleet.model.event import TargetState
from sshfleet.model.machine import Fleet, Machine, MachineId, MachineName
from sshfleet.model.observed import Observed, Reached, Trouble, UnitState
from sshfleet.model.standing import Standing
from sshfleet.model.unit import Unit, UnitName
from sshfleet.render.legend import legend, short
from sshfleet.render.standings import trouble_word

_STATUS = {Trouble.AUTH: "unauthorized", Trouble.HOST_KEY: "hostkey"}
_SHORT_HASH = 7
_UNITS = ("B", "K", "M", "G", "T")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a list is made from; `hash_of` maps a content hash to fleet's, if known;
    `seen` tells when each machine last answered, `standings` how it stands and since when; `exact`
    shows sizes in bytes, for programs."""

    fleet: Fleet
    desired: DesiredState
    observed: Observed
    hash_of: Callable[[str], str]
    full: bool = False
    exact: bool = False
    seen: Mapping[MachineName, datetime] = field(default_factory=dict)
    standings: Mapping[MachineName, Standing] = field(default_factory=dict)

    def address(self, name: str) -> str:
        """Return the address of a machine of the inventory."""
        machine = self.fleet.machine(name)
        return machine.address if machine else ""

    def when(self, name: MachineName) -> str:
        """Return when a machine last answered."""
        return self.seen[name].isoformat(timespec="seconds") if name in self.seen else ""

    def is_cordoned(self, name: MachineName) -> bool:
        """Tell whether a machine is to be given no more units."""
        return name in self.desired.cordoned

    def is_losing_units(self, name: MachineName) -> bool:
        """Tell whether a machine is drained and still has units of ours."""
        if name not in self.desired.draining:
            return False
        return bool(self.desired.placed_on(self.desired.id_of(name)))

    def status(self, name: MachineName) -> str:
        """Say in one word how a machine stands; one that answers, what is wanted of it."""
        standing = self.standings.get(name)
        if standing and standing.trouble:  # it may have answered before: --cached
            return _STATUS.get(standing.trouble, "unreachable")
        answered = status(self.observed, name)
        if answered != "ready" or not self.is_cordoned(name):
            return answered
        return "draining" if self.is_losing_units(name) else "cordoned"


def machine_rows(view: View) -> list[dict[str, str]]:
    """One row a machine of the inventory, by machine ID, those never seen last."""
    rows = [_machine(view, machine) for machine in view.fleet.machines]
    return sorted(rows, key=lambda row: (not row["machine"], row["machine"], row["name"]))


def _machine(view: View, machine: Machine) -> dict[str, str]:
    report = view.observed.reports.get(machine.name)
    known = report.machine if isinstance(report, Reached) else view.desired.id_of(machine.name)
    standing = view.standings.get(machine.name)
    row = {
        "machine": short(known or "", full=view.full),
        "ip": machine.address,
        "metadata": ",".join(f"{key}={value}" for key, value in sorted(machine.metadata.items())),
        "name": machine.name,
        "status": view.status(machine.name),
        "seen": view.when(machine.name),
        "cordoned": "yes" if view.is_cordoned(machine.name) else "no",
        "trouble": trouble_word(standing.trouble) if standing else "",
        "since": standing.since.isoformat(timespec="seconds") if standing else "",
        "detail": standing.detail if standing else "",
    }
    return {**row, **_facts(view, report)} if isinstance(report, Reached) else row


def _facts(view: View, report: Reached) -> dict[str, str]:
    return {
        "os": report.os,
        "arch": report.arch,
        "systemd": str(report.systemd),
        "cpus": str(report.cpus),
        "memory": str(report.memory) if view.exact else size(report.memory),
        "units": str(sum(ours(state) for state in report.units.values())),
    }


def size(count: int) -> str:
    """Show bytes in the largest unit that leaves a number of at least 1: 23.5G."""
    value, step = float(count), 0
    while value >= 1024 and step < len(_UNITS) - 1:
        value, step = value / 1024, step + 1
    return f"{value:.1f}{_UNITS[step]}" if step else f"{count}B"


def status(observed: Observed, name: MachineName) -> str:
    """Say in one word how a machine stands."""
    report = observed.reports.get(name)
    if report is None:
        return "unreachable"
    if isinstance(report, Reached):
        return "duplicate-id" if report.machine in observed.duplicates() else "ready"
    return _STATUS.get(report.trouble, "unreachable")


def ours(state: UnitState) -> bool:
    """Tell whether a unit on a machine came from us: its file or its record lies in our folder."""
    return bool(state.sha256 or state.record)


def unit_rows(view: View) -> list[dict[str, str]]:
    """One row per unit and machine, as systemd reports it; `unknown` on machines that are away."""
    rows = list(_present_rows(view))
    there = {(row["unit"], row["name"]) for row in rows}
    rows += [row for row in _away_rows(view) if (row["unit"], row["name"]) not in there]
    return sorted(rows, key=lambda row: (row["unit"], row["machine"]))


def _present_rows(view: View) -> Iterator[dict[str, str]]:
    for name, report in view.observed.reached().items():
        for state in report.units.values():
            if ours(state):
                yield {
                    "unit": state.name,
                    "machine": legend(report.machine, view.address(name), full=view.full),
                    "active": state.active,
                    "sub": state.sub,
                    "load": state.load,
                    "hash": _hash(view, state.content),
                    "old_text": "yes" if state.old_text and not state.at_rest else "no",
                    "drift": ",".join(drift_of(state, _wanted(view, state, report))),
                    "name": name,
                    "ip": view.address(name),
                    "seen": view.when(name),
                }


def _wanted(view: View, state: UnitState, report: Reached) -> DesiredUnit | None:
    unit = view.desired.units.get(state.name)
    return unit if unit and report.machine in unit.placements else None


def _away_rows(view: View) -> Iterator[dict[str, str]]:
    reached = view.observed.by_id()
    for unit in view.desired.units.values():
        for machine in (one for one in unit.placements if one not in reached):
            name = _name(view, machine)
            yield {
                "unit": unit.name,
                "machine": legend(machine, _ip(view, machine), full=view.full),
                "active": "unknown",
                "sub": "unknown",
                "load": "unknown",
                "hash": _hash(view, unit.content),
                "name": name,
                "ip": _ip(view, machine),
                "seen": view.when(MachineName(name)),
            }


def _name(view: View, machine: MachineId) -> str:
    known = view.desired.machines.get(machine)
    return known.name if known else ""


def _ip(view: View, machine: MachineId) -> str:
    known = view.desired.machines.get(machine)
    return view.address(known.name) or known.address if known else ""


def _hash(view: View, content: str) -> str:
    digest = view.hash_of(content) if content else ""
    return digest if view.full else digest[:_SHORT_HASH]


def file_rows(view: View, units: Mapping[UnitName, Unit]) -> list[dict[str, str]]:
    """One row a registered unit, by name; tombstones of destroyed units are not shown."""
    return [
        _file(view, unit, units[name])
        for name, unit in sorted(view.desired.units.items())
        if unit.target is not TargetState.ABSENT
    ]


def _file(view: View, unit: DesiredUnit, text: Unit) -> dict[str, str]:
    is_global = text.requirements.is_global
    machines = sorted(unit.placements)
    target = ",".join(legend(one, _ip(view, one), full=view.full) for one in machines)
    return {
        "unit": unit.name,
        "hash": text.hash if view.full else text.hash[:_SHORT_HASH],
        "dstate": unit.target,
        "state": "" if is_global else current(view.observed, unit),
        "target": "global" if is_global else target,
        "tmachine": "global" if is_global else target,
        "global": "true" if is_global else "false",
        "desc": text.description,
        "name": "" if is_global else ",".join(_name(view, one) for one in machines),
    }


def current(observed: Observed, unit: DesiredUnit) -> str:
    """Derive fleet's current state: inactive, loaded or launched; nothing when nobody knows."""
    reached = observed.by_id()
    states = []
    for machine in unit.placements:
        if machine not in reached:
            return ""
        states.append(reached[machine][1].units.get(unit.name))
    there = [state for state in states if state and state.sha256]
    if not there:
        return str(TargetState.INACTIVE)
    launched = unit.target is TargetState.LAUNCHED and any(state.invocation for state in there)
    running = any(_runs_for_us(state) for state in there)
    return str(TargetState.LAUNCHED if launched or running else TargetState.LOADED)


def _runs_for_us(state: UnitState) -> bool:
    """Tell whether a unit runs because we started it: a loaded one may run for a timer, say."""
    loaded = state.record is not None and state.record.target == TargetState.LOADED
    return not state.at_rest and not loaded

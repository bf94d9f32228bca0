"""Failover: which copies on machines that do not answer are given up, so that the unit may move.

Rule 1: "I cannot reach it" is never "it is dead". A copy is given up when its lease is over, when
its unit says `Failover=eager` and the silence has lasted, or on the admin's word (`evict`).
Rule 2: only silence counts, and not when many machines are silent at once: then the fault is
probably on this side, and nothing moves.
Rule 3: a copy is given up only for another one: what no other machine can take stays where it is.
Rule 4: units that need each other on one machine are given up together or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sshfleet.model.desired import DesiredUnit, fold
from sshfleet.model.event import CopyGivenUp, Event, UnitUnplaced
from sshfleet.model.machine import FailoverMode, MachineId, MachineName
from sshfleet.model.observed import Report, Unreachable
from sshfleet.model.standing import SILENCE
from sshfleet.model.unit import UnitName
from sshfleet.plan.mode import mode_of
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.world import World

LOOKS = 2  # looks in a row that nobody answered, before silence is believed
FEW = 0.2  # the part of all machines that may be silent at once; one always may

Place = tuple[UnitName, MachineId]


@dataclass(frozen=True, slots=True)
class Failover:
    """What is given up now, and of other copies on silent machines when or why they are not.

    `frozen` says why nothing at all is given up, though something might have been.
    """

    events: tuple[Event, ...] = ()
    kept: Mapping[Place, str] = field(default_factory=dict)
    frozen: str = ""


def fail_over(world: World, scope: frozenset[UnitName]) -> Failover:
    """Decide which copies on silent machines are given up."""
    machines = _silent(world)
    places = [(name, id_) for id_ in machines for name in _movable(world, id_, scope)]
    if not places:
        return Failover()
    if why := frozen(world):
        return Failover(kept=dict.fromkeys(places, why), frozen=why)
    judged = {place: _judge(world, world.desired.units[place[0]], place[1]) for place in places}
    kept = {place: one.why for place, one in judged.items() if not one.over}
    due = {
        place: f"{world.last_name_of(place[1])} is lost: {one.why}"
        for place, one in judged.items()
        if one.over
    }
    return as_far_as_they_can_go(world, due, kept)


def frozen(world: World) -> str:
    """Say why nothing may be concluded from silence; nothing when only a few are silent."""
    count = sum(map(_is_silent, world.observed.reports.values()))
    every = len(world.fleet.machines)
    if count <= max(1, FEW * every):
        return ""
    return (
        f"{count} of {every} machines are silent, so the fault is probably here: no unit is moved"
    )


def doubtful(world: World, scope: frozenset[UnitName]) -> tuple[MachineName, ...]:
    """Name the silent machines of which a second opinion would change what is done."""
    return tuple(
        world.last_name_of(id_)
        for id_, units in _overdue(world, scope)
        if any(_is_eager(world, name) for name in units)
    )


def to_be_fenced(world: World, scope: frozenset[UnitName]) -> tuple[MachineName, ...]:
    """Name the silent machines whose fence_command is to be run, which alone proves them off."""
    names = (world.last_name_of(id_) for id_, units in _overdue(world, scope) if units)
    return tuple(name for name in names if _has_fence(world, name))


def _overdue(
    world: World, scope: frozenset[UnitName]
) -> Iterator[tuple[MachineId, list[UnitName]]]:
    """Yield the machines whose silence has lasted, each with its units that may ever leave it."""
    if not frozen(world):
        for id_ in _silent(world):
            if not _why_too_early(world, id_):
                yield id_, list(_movable(world, id_, scope))


def _has_fence(world: World, name: MachineName) -> bool:
    machine = world.fleet.machine(name)
    return bool(machine and machine.fence_command)


def _silent(world: World) -> list[MachineId]:
    """Return the machines nobody answered for, by their names in the inventory."""
    ids = [
        world.desired.id_of(name)
        for name, report in sorted(world.observed.reports.items())
        if _is_silent(report)
    ]
    return [id_ for id_ in ids if id_]


def _is_silent(report: Report) -> bool:
    return isinstance(report, Unreachable) and report.trouble in SILENCE


def _movable(world: World, machine: MachineId, scope: frozenset[UnitName]) -> Iterator[UnitName]:
    """Yield the units on a machine that may ever leave it without its word."""
    for name in sorted(scope.intersection(world.desired.placed_on(machine))):
        if _mode(world, name) is not FailoverMode.MANUAL:
            yield name


def _mode(world: World, name: UnitName) -> FailoverMode:
    unit = world.units.get(name)
    return mode_of(unit, world.fleet.failover) if unit else FailoverMode.MANUAL


def _is_eager(world: World, name: UnitName) -> bool:
    return _mode(world, name) is FailoverMode.EAGER


@dataclass(frozen=True, slots=True)
class _Judgement:
    """Whether a copy may be given up now, and why, or why not."""

    over: bool
    why: str


def _judge(world: World, unit: DesiredUnit, machine: MachineId) -> _Judgement:
    if world.fenced.get(world.last_name_of(machine)) == "":
        return _Judgement(True, "its fence_command says that it is off")
    if _is_eager(world, unit.name):
        return _judge_eager(world, machine)
    if machine not in unit.guarded:
        return _Judgement(False, "it may still run there without a lease, as it did before")
    left = world.leases.get(machine, 0.0)
    if left > 0:
        return _Judgement(False, f"its lease there is surely over in {left:.0f} s")
    return _Judgement(True, "its lease there is over")


def _judge_eager(world: World, machine: MachineId) -> _Judgement:
    if early := _why_too_early(world, machine):
        return _Judgement(False, early)
    name = world.last_name_of(machine)
    if _has_fence(world, name):
        return _Judgement(False, world.fenced.get(name) or "its fence_command was not run")
    if name in world.alive_to_others:
        return _Judgement(False, "another machine can reach it")
    seconds = world.standings[name].seconds
    return _Judgement(True, f"silent for {seconds:.0f} s")


def _why_too_early(world: World, machine: MachineId) -> str:
    standing = world.standings.get(world.last_name_of(machine))
    if standing is None or not standing.silent:
        return "nobody has looked at it before"
    left = world.fleet.failover.lost_after - standing.seconds
    if left > 0:
        return f"it moves when that has lasted {left:.0f} s more"
    return "it moves if the next look finds it silent too" if standing.looks < LOOKS else ""


def as_far_as_they_can_go(world: World, due: dict[Place, str], kept: dict[Place, str]) -> Failover:
    """Give up what is due (with the reason), less what stays with what stays, or can go nowhere.

    Of those `kept` says why; both mappings are changed.
    """
    while due:
        if alone := _torn_apart(world, due):
            reason = "what it needs beside it, or what needs it, stays there"
        else:
            nowhere = reasons_against(world, due)
            alone = [place for place in due if place[0] in nowhere]
            reason = "no other machine can take it: sshfleet explain UNIT"
        if not alone:
            return Failover(events=tuple(_events(due)), kept=kept)
        for place in alone:
            kept[place] = reason.replace("UNIT", place[0])
            del due[place]
    return Failover(kept=kept)


def _torn_apart(world: World, due: Mapping[Place, str]) -> list[Place]:
    """Return copies that would leave a peer behind, or be left without one."""
    return [
        (name, machine)
        for name, machine in due
        if any((other, machine) not in due for other in _bound_to(world, name, machine))
    ]


def _bound_to(world: World, name: UnitName, machine: MachineId) -> Iterator[UnitName]:
    """Yield the units placed on the same machine that a unit needs there, or that need it.

    A global unit binds nobody: it is on other machines, too.
    """
    for other in world.desired.placed_on(machine):
        text = world.units.get(other)
        if other == name or (text and text.requirements.is_global):
            continue
        if name in _peers(world, other) or other in _peers(world, name):
            yield other


def _peers(world: World, name: UnitName) -> tuple[str, ...]:
    unit = world.units.get(name)
    return unit.requirements.machine_of if unit else ()


def reasons_against(
    world: World, due: Mapping[Place, str]
) -> dict[UnitName, Mapping[MachineName, tuple[str, ...]]]:
    """Return each machine's reasons against the units that no other machine could take."""
    names = frozenset(name for name, _ in due)
    then = replace(world, desired=fold(world.desired, _events(due)))
    return {refusal.unit: refusal.reasons for refusal in schedule(then, names).unplaceable}


def _events(due: Mapping[Place, str]) -> Iterable[Event]:
    for (name, machine), why in sorted(due.items()):
        yield CopyGivenUp(name, machine, why)
        yield UnitUnplaced(name, machine, why)

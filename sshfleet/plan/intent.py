"""Decide: what the user asks → events to journal. Refuses what makes no sense before it is written.

The table of verbs is fleet's (Documentation/states.md): commands change desired state only.

    verb      target becomes   from                         otherwise
    load      loaded           inactive, loaded, launched   (launched: it is stopped, as in fleet)
    start     launched         inactive, loaded, launched
    stop      loaded           launched                     loaded: nothing; inactive: refused
    unload    inactive         loaded, launched             inactive: nothing
    destroy   absent           any
    restart   launched         loaded, launched             inactive: refused

Machines are cordoned, drained and uncordoned here too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sshfleet.errors import SshfleetError, UsageError
from sshfleet.model.desired import DesiredUnit, fold
from sshfleet.model.event import (
    Event,
    MachineCordoned,
    MachineDraining,
    MachineUncordoned,
    RestartAsked,
    TargetSet,
    TargetState,
    TextStored,
    UnitSubmitted,
)
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Unreachable
from sshfleet.model.unit import Unit, UnitName, is_template
from sshfleet.plan.world import World

TARGETS = {
    "load": TargetState.LOADED,
    "start": TargetState.LAUNCHED,
    "stop": TargetState.LOADED,
    "unload": TargetState.INACTIVE,
    "destroy": TargetState.ABSENT,
}


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be journalled, and the units that were refused, each with its error.

    `unheard` are units of which something that was asked cannot be remembered: there is no telling
    later whether a machine that does not answer now has still the process that was meant.
    """

    events: tuple[Event, ...]
    refused: tuple[tuple[UnitName, SshfleetError], ...] = ()
    unheard: frozenset[UnitName] = frozenset()


def submitted(world: World, units: Iterable[Unit]) -> tuple[Event, ...]:
    """Register units or give known ones a new text; reconcile restarts those that run the old."""
    events: list[Event] = []
    stored = set(world.desired.texts)
    for unit in units:
        known = world.desired.units.get(unit.name)
        if known and known.target is not TargetState.ABSENT and known.content == unit.content:
            continue
        sums = unit.sums
        texts = {unit.sha256: unit.text, **{sums[name]: unit.dropins[name] for name in sums}}
        events += [TextStored(one, texts[one]) for one in texts if one not in stored]
        stored.update(texts)
        events.append(UnitSubmitted(unit.name, unit.sha256, sums))
    return tuple(events)


def registered_and_targeted(
    world: World, fresh: Iterable[Unit], verb: str, names: Iterable[UnitName]
) -> Intent:
    """Register units, then set the target state of `names`: `submit` alone sets none."""
    events = submitted(world, fresh)
    if verb not in TARGETS:
        return Intent(events)
    then = replace(world, desired=fold(world.desired, events))
    intent = targeted(verb, names, then)
    return replace(intent, events=(*events, *intent.events))


def targeted(verb: str, names: Iterable[UnitName], world: World) -> Intent:
    """Set the target state that a verb of `TARGETS` stands for."""
    target, events, refused = TARGETS[verb], list[Event](), []
    for name in names:
        unit = world.desired.units[name]
        if error := _refusal(verb, unit):
            refused.append((name, error))
        elif unit.target is not target and not (verb == "stop" and not _launched(unit)):
            events.append(TargetSet(name, target))
    return Intent(tuple(events), tuple(refused))


def restarted(names: Iterable[UnitName], world: World) -> Intent:
    """Ask for new processes: done when systemd's InvocationID is no longer the one seen now."""
    events, refused, unheard = list[Event](), [], set[UnitName]()
    answered = world.observed.by_id().keys()
    for name in names:
        unit = world.desired.units[name]
        if error := _refusal("restart", unit):
            refused.append((name, error))
        elif not _launched(unit):
            events.append(TargetSet(name, TargetState.LAUNCHED))
        else:
            events.extend(_restart(world, unit))
            if any(machine not in answered for machine in unit.placements):
                unheard.add(name)
    return Intent(tuple(events), tuple(refused), frozenset(unheard))


def cordoned(names: Iterable[MachineName], world: World, *, on: bool) -> Intent:
    """Bar machines from new placements, or no longer; those that are so already stay so."""
    event = MachineCordoned if on else MachineUncordoned
    changed = [name for name in dict.fromkeys(names) if (name in world.desired.cordoned) is not on]
    return Intent(tuple(event(name) for name in changed))


def drained(names: Iterable[MachineName], world: World) -> Intent:
    """Let machines lose their units; raise SshfleetError when one of them does not answer."""
    for name in names:
        report = world.observed.reports.get(name)
        if isinstance(report, Unreachable):
            raise SshfleetError(
                f"{name} cannot be drained: it does not answer ({report.detail})",
                hint=f"wait until it is back or, if it is dead: sshfleet evict {name}",
            )
    fresh = [name for name in dict.fromkeys(names) if name not in world.desired.draining]
    return Intent(tuple(MachineDraining(name) for name in fresh))


def _restart(world: World, unit: DesiredUnit) -> tuple[Event, ...]:
    answered = world.observed.by_id()
    seen = {}
    for machine in sorted(unit.placements & answered.keys()):
        state = answered[machine][1].units.get(unit.name)
        if state and state.invocation:
            seen[machine] = state.invocation
    return (RestartAsked(unit.name, seen),) if seen else ()


def _launched(unit: DesiredUnit) -> bool:
    return unit.target is TargetState.LAUNCHED


def _refusal(verb: str, unit: DesiredUnit) -> SshfleetError | None:
    if verb in ("load", "start") and is_template(unit.name):
        instance = unit.name.replace("@.", "@1.")
        return UsageError(
            f"{unit.name} is a template and cannot be placed on a machine",
            hint=f"{verb} an instance of it: sshfleet {verb} {instance}",
        )
    if verb in ("stop", "restart") and not unit.target.on_machine:
        return SshfleetError(
            f"Unable to {verb} unit {unit.name} in state {unit.target}",
            hint=f"it is on no machine; start it with: sshfleet start {unit.name}",
        )
    return None

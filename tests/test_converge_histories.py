"""Random histories on three fake machines: verbs, new texts and drop-ins, outages, power cuts, the
hands of others, and controllers and scripts that die.

Safety holds after each step; once the faults stop, reconcile makes everything as the user wants.
"""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sshfleet.errors import TryLater
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import MachineCordoned, MachineUncordoned, TargetState
from sshfleet.model.machine import Fleet, MachineName
from sshfleet.model.unit import Unit
from sshfleet.unitfile.read import read_text
from tests.builders import machine, machine_id
from tests.fake_machine import FakeMachine
from tests.fakes import Killed, dying
from tests.stage import TEXT, Stage, service

pytestmark = pytest.mark.timeout(600)


def versions(name: str, rules: str) -> list[Unit]:
    """Make a unit as it was first, with another text, and with drop-ins that come and change."""
    first, other = service(name, rules), service(name, rules, TEXT + "Nice=1\n")
    confs = [{}, {"a.conf": "[Service]\nNice=2\n"}, {"a.conf": "", "b.conf": "[Unit]\nAfter=x\n"}]
    return [other, *(read_text(first.name, first.text, dropins) for dropins in confs)]


UNITS = {
    "a1.service": versions("a1.service", "Conflicts=a*.service"),
    "a2.service": versions("a2.service", "Conflicts=a*.service"),
    "ssd.service": versions("ssd.service", "MachineMetadata=disk=ssd"),
    "peer.service": versions("peer.service", "MachineOf=ssd.service"),
    "tail.service": versions("tail.service", "MachineOf=peer.service twin.service"),
    "twin.service": versions("twin.service", "MachineOf=tail.service"),
    "push.service": versions("push.service", "Replaces=a*.service\nMachineMetadata=disk=ssd"),
    "all.service": versions("all.service", "Global=true"),
}
APART = [
    {"a1.service", "a2.service"},
    {"a1.service", "push.service"},
    {"a2.service", "push.service"},
]
NAMES = st.sampled_from(sorted(UNITS))
MACHINES = st.sampled_from(["m1", "m2", "m3"])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["start", "load", "submit"]), NAMES, st.integers(0, 3)),
    st.tuples(st.sampled_from(["stop", "unload", "destroy", "restart"]), NAMES, st.just(0)),
    st.tuples(st.sampled_from(["away", "back", "power_cycle"]), MACHINES, st.just(0)),
    st.tuples(st.sampled_from(["cordon", "uncordon", "slow", "quick"]), MACHINES, st.just(0)),
    st.tuples(st.just("tamper"), MACHINES, st.integers(0, 3)),
    st.tuples(st.sampled_from(["reconcile", "swap"]), st.just(""), st.just(0)),
)
DEATHS = st.one_of(st.none(), st.integers(0, 25))


def take(stage: Stage, verb: str, name: str, number: int) -> None:
    """Take one step of a history."""
    if verb in ("start", "load", "submit"):
        stage.start(UNITS[name][number], verb=verb)
    elif name in stage.machines:
        befall(stage, verb, name, number)
    elif verb == "swap":
        stage.fleet = swapped(stage.fleet)
    elif verb == "reconcile":
        stage.reconcile()
    elif name in stage.journal.state.units:
        stage.change(verb, name)


def befall(stage: Stage, verb: str, name: str, number: int) -> None:
    """Let something happen to a machine."""
    if verb == "away":
        stage.transport.away.add(name)
    elif verb == "back":
        stage.transport.away.discard(name)
    elif verb in ("cordon", "uncordon"):
        event = MachineCordoned if verb == "cordon" else MachineUncordoned
        stage.memory.append([event(MachineName(name))])
    elif verb in ("slow", "quick"):
        stage.machines[name].slow = verb == "slow"
    elif verb == "power_cycle":
        stage.machines[name].power_cycle()
    else:
        tamper(stage.machines[name], number)


def tamper(one: FakeMachine, number: int) -> None:
    """Change what lies there behind our back: drop-ins, files, links."""
    for name in sorted(one.files):
        if number != 3:
            one.edited.add(name)
        if number == 0:
            one.dropins.pop(name, None)
        elif number == 1:
            one.dropins.setdefault(name, {})["z.conf"] = b"[Unit]\nBefore=z\n"
        elif number == 2:
            one.files[name] += b"# mine\n"
        else:
            one.boots.discard(name)


def swapped(fleet: Fleet) -> Fleet:
    """Give each machine the metadata of its neighbour: units that ask for some have to move."""
    metadata = [one.metadata for one in fleet.machines]
    turned = [*metadata[1:], metadata[0]]
    machines = [replace(one, metadata=new) for one, new in zip(fleet.machines, turned, strict=True)]
    return replace(fleet, machines=tuple(machines))


def mortal(stage: Stage, step: int | None) -> None:
    """Let the controller die at its n-th journey or append, or never; look for harm at each."""
    die = dying(step)

    def travel(*_: object) -> None:
        check_safety(stage)
        die()

    stage.journal.before = die
    stage.transport.hook = travel
    for one in stage.machines.values():
        one.hook = die


def check_safety(stage: Stage) -> None:
    running = {name: one.alive() for name, one in stage.machines.items()}
    for name in UNITS:
        where = [one for one, names in running.items() if name in names]
        assert len(where) <= 1 or name == "all.service", f"{name} runs on {where}"
    for one, names in running.items():
        assert not [pair for pair in APART if pair <= names], f"units that exclude others on {one}"


def check_convergence(stage: Stage) -> None:
    for _ in range(3):
        stage.reconcile()
    done = {name: len(one.done) for name, one in stage.machines.items()}
    events = len(stage.journal.events)
    stage.reconcile()
    assert {name: len(one.done) for name, one in stage.machines.items()} == done
    assert len(stage.journal.events) == events
    state = stage.journal.state
    for unit in state.units.values():
        assert unit.target is not TargetState.ABSENT
        assert unit.holders == unit.placements
        for one in stage.machines.values():
            _check_copy(one, unit, placed=machine_id(one.name) in unit.placements)
    for one in stage.machines.values():
        assert one.files.keys() <= state.units.keys()
        assert {name for name, dropins in one.dropins.items() if dropins} <= one.files.keys()


def _check_copy(one: FakeMachine, unit: DesiredUnit, *, placed: bool) -> None:
    name, target = unit.name, unit.target
    assert (name in one.files) == placed
    if placed:
        assert one.content(name) == unit.content
    assert (name in one.running()) == (placed and target is TargetState.LAUNCHED)
    if name in one.running():  # for what other hands changed it is not restarted
        assert one.processes[name].meant == unit.content
    assert (name in one.boots) == (placed and target is TargetState.LAUNCHED)


@example(  # what runs lost its drop-ins to other hands, and so has the text of another version
    ["all.service"],
    set(),
    [
        (("start", "all.service", 2), None),
        (("tamper", "m1", 0), None),
        (("power_cycle", "m1", 0), None),
    ],
)
@example(  # what was started from a text of other hands is restarted when a new one comes
    ["all.service"],
    set(),
    [
        (("tamper", "m1", 2), None),
        (("power_cycle", "m1", 0), None),
        (("start", "all.service", 0), None),
    ],
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(NAMES, max_size=6, unique=True),
    st.sets(MACHINES),
    st.lists(st.tuples(STEPS, DEATHS), max_size=12),
)
def test_any_history_is_safe_and_ends_as_wanted(
    begun: list[str], slow: set[str], history: list[tuple[tuple[str, str, int], int | None]]
) -> None:
    stage = Stage(machine("m1", disk="ssd"), machine("m2", disk="hdd"), machine("m3", disk="hdd"))
    stage.start(*(UNITS[name][1] for name in begun))
    for name in slow:
        stage.machines[name].slow = True
    for (verb, name, number), death in history:
        mortal(stage, death)
        with suppress(Killed, TryLater):
            take(stage, verb, name, number)
        check_safety(stage)
    mortal(stage, None)
    stage.transport.away = set()
    check_convergence(stage)
    check_safety(stage)

"""What goes wrong in the midst of a command costs nothing: samples of `make sweep` and `make soak`.

The sweeps themselves, and what they check, are in tests/faults.
"""

import itertools
import random
from collections.abc import Callable, Iterator

import pytest

from sshfleet.lab.waiting import until
from tests.faults.fleet import WITNESS, Fleet
from tests.faults.points import Fault, Kind
from tests.faults.rivals import WAYS, Rivals
from tests.faults.runner import Runner
from tests.faults.script import RING
from tests.faults.soak import Soak, soak
from tests.faults.sweep import Plan, Sweep, witness_fleet
from tests.lab.labs import lab_name, tell
from tests.lab.user import systemctl

pytestmark = pytest.mark.slow

SEED = 4
KILLS = 8
TIMES = 3  # that two controllers meet; `make soak` lets them meet a hundred times
# How many steps there are for each kind, at least, in every verb that asks machines.
REACH = {
    Kind.KILL: 18,
    Kind.KILL_MIDWAY: 5,
    Kind.ENOSPC: 8,
    Kind.EIO: 15,
    Kind.HANG: 18,
    Kind.DROP: 6,
    Kind.DROP_MIDWAY: 3,
}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with witness_fleet(lab_name("faults")) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def rivals(fleet: Fleet, runner: Runner) -> Rivals:
    return Rivals(fleet, runner)


def test_the_witness_catches_a_unit_that_runs_on_two_machines(fleet: Fleet) -> None:
    first, second, _ = [machine.name for machine in fleet.lab.machines]
    for machine in (first, second):
        text = WITNESS.replace("VERSION", "x").encode()
        path = "/run/systemd/system/twice.service"
        fleet.lab.run(machine, "sh", "-c", f"cat >{path}; systemctl daemon-reload", input=text)

    systemctl(fleet.lab, first, "start", "twice.service")
    until(lambda: fleet.starts() == {"twice.service x": 1}, 30, "it to start")
    assert fleet.wrongs() == []
    systemctl(fleet.lab, second, "start", "twice.service")
    until(lambda: bool(fleet.wrongs()), 30, "the witness")

    assert fleet.wrongs() == [f"ran twice: twice.service on {second}"]
    fleet.forget_violations()
    for machine in (first, second):
        systemctl(fleet.lab, machine, "stop", "twice.service")
        fleet.lab.run(machine, "rm", "/run/systemd/system/twice.service")


def test_a_sample_of_all_that_can_go_wrong_is_survived(fleet: Fleet, runner: Runner) -> None:
    chance = random.Random(SEED)  # noqa: S311 - to be repeated
    plans = {
        verb.name: Plan.once([Fault(kind, chance.randint(1, REACH[kind]))])
        for verb, kind in zip(RING, itertools.cycle(Kind), strict=False)
    }
    sweep = Sweep(fleet, runner, plans, tell)

    while any(plan.faults for plan in plans.values()) and not sweep.tally.failures:
        sweep.round()

    assert sweep.tally.failures == []
    assert {kind for _verb, kind in sweep.tally.points} == set(Kind), sweep.tally.table()


def test_no_kill_at_any_moment_loses_what_was_acknowledged(fleet: Fleet) -> None:
    fleet.wipe()

    assert soak(Soak(fleet, SEED), KILLS, tell) == 0


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_of_two_controllers_at_the_same_instant_exactly_one_acts(
    rivals: Rivals, way: Callable[[Rivals], None]
) -> None:
    rivals.fleet.wipe()

    for _ in range(TIMES):
        way(rivals)

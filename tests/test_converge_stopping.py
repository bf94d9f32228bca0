"""A run that is asked to stop, at any point: nothing new begins, and the next run finishes it."""

import asyncio
from itertools import count

import pytest

from sshfleet.model.event import ActionEnded, MachineMarked
from sshfleet.model.step import Run
from sshfleet.stop import Stop
from tests.builders import machine
from tests.stage import Stage, quiet, service
from tests.test_converge_histories import swapped

WEB, OTHER = service("web.service"), service("xother.service")
UNITS = (
    service("disk.service", "MachineMetadata=disk=ssd"),
    service("near.service", "MachineOf=disk.service"),
    service("far.service", "Conflicts=disk.service"),
    service("all.service", "Global=true"),
)


def new_stage() -> Stage:
    return Stage(machine("m1", disk="ssd"), machine("m2"), machine("m3"))


class StopAt:
    """Asks the next run to stop at its n-th journey or append; what is late gets no time at all.

    `journey` tells which it was; `done` and `plans` are what there was at that moment.
    """

    def __init__(self, stage: Stage, step: int) -> None:
        self.stage, self.stop, self.left = stage, Stop(grace=0.0), step
        self.journey = False
        self.done: dict[str, list[str]] = {}
        self.plans = 0
        stage.stop = self.stop
        stage.transport.hook = lambda *_: self.step(journey=True)
        stage.journal.before = lambda: self.step(journey=False)

    def step(self, *, journey: bool) -> None:
        """Count one more."""
        if self.left == 0:
            self.stop.ask()
            asyncio.get_running_loop().call_soon(self.stop.limit)
            self.journey, self.done, self.plans = (
                journey,
                orders_of(self.stage),
                len(self.stage.told),
            )
        self.left -= 1


def begun() -> Stage:
    """Return a stage where two units have to move."""
    stage = new_stage()
    stage.start(*UNITS)
    stage.fleet = swapped(stage.fleet)
    return stage


def test_wherever_a_run_stops_the_next_one_finishes_it_and_nothing_is_done_twice() -> None:
    undisturbed = begun()
    undisturbed.reconcile()
    for step in count():
        stage = begun()
        stop = StopAt(stage, step)
        assert stage.reconcile().stopped == stop.stop.asked
        stage.transport.hook = lambda *_: None
        stage.journal.before = lambda: None
        assert quiet(stage.reconcile())
        assert stage.running() == undisturbed.running()
        assert orders_of(stage) == orders_of(undisturbed)
        if not stop.stop.asked:
            break
    assert step > 10


def orders_of(stage: Stage) -> dict[str, list[str]]:
    return {name: sorted(one.done) for name, one in stage.machines.items()}


def test_after_a_stop_no_wave_begins_and_nothing_is_decided() -> None:
    for step in count():
        stage = begun()
        told, events = len(stage.told), len(stage.journal.events)
        stop = StopAt(stage, step)
        stage.reconcile()
        if not stop.stop.asked:
            break
        if stop.journey:
            assert len(stage.told) == stop.plans
        else:
            assert orders_of(stage) == stop.done
        decided = [event for plan in stage.told[told:] for event in plan.decisions]
        written = stage.journal.events[events:]
        facts = (ActionEnded, MachineMarked)
        assert [one for one in written if not isinstance(one, facts)] == decided
    assert step > 10


@pytest.mark.parametrize(("lost", "starts"), [("mute", ["web.service"]), ("deaf", [])])
def test_what_does_not_answer_in_time_is_given_up_and_its_outcome_is_unknown(
    lost: str, starts: list[str]
) -> None:
    stage, stop = new_stage(), Stop(grace=0.05)
    stage.stop = stop

    def travel(_machine: str, run: Run | None) -> None:
        if run is not None and b"\nstart\t" in run.data:
            setattr(stage.transport, lost, {"m1"})
            stop.ask()
            asyncio.get_running_loop().call_soon(stop.limit)

    stage.transport.hook = travel
    result = stage.start(WEB, OTHER)

    assert result.stopped
    assert [(one.action.machine, one.action.verb.name, one.result) for one in result.ended] == [
        ("m1", "INSTALL", "unknown"),
        ("m1", "START", "unknown"),
        ("m2", "INSTALL", "done"),
        ("m2", "START", "done"),
    ]
    written = [event for event in stage.journal.events if isinstance(event, ActionEnded)]
    assert [event.result for event in written] == ["unknown", "unknown", "done", "done"]
    assert [(item.unit, item.machine) for item in result.plan.away] == [("web.service", "m1")]
    assert stage.machines["m1"].started == starts

    setattr(stage.transport, lost, set())
    stage.transport.hook = lambda *_: None
    assert quiet(stage.reconcile())
    assert stage.machines["m1"].started == ["web.service"]
    assert stage.machines["m2"].started == ["xother.service"]

"""Machines that are lost and come back, on fake machines: what moves, when, and what never runs
twice."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshfleet.errors import TryLater
from sshfleet.model.event import LeasesPromised, UnitPlaced
from sshfleet.model.machine import FailoverMode, FailoverPolicy
from tests.builders import machine, machine_id
from tests.fakes import Killed, dying
from tests.stage import Stage, quiet, service

LEASED = service("db.service", "Failover=lease")
EAGER = service("web.service", "Failover=eager")
MANUAL = service("cron.service")
LEASE = 30.0
STOPPED_BY = LEASE + 6.0


@pytest.fixture
def stage() -> Stage:
    return new_stage()


def new_stage(**policy: object) -> Stage:
    made = Stage(*(machine(f"m{number}") for number in range(1, 6)))
    lasting = FailoverPolicy(lease=LEASE, lost_after=60.0)
    made.fleet = replace(made.fleet, failover=replace(lasting, **policy))  # type: ignore[arg-type]
    return made


def where(stage: Stage, name: str) -> list[str]:
    return sorted(each for each, units in stage.running().items() if name in units)


def look(stage: Stage, seconds: float, every: float = 10.0) -> None:
    while seconds > 0:
        stage.let_pass(min(every, seconds))
        seconds -= every
        stage.reconcile()


def test_a_leased_unit_runs_under_a_lease_that_is_renewed(stage: Stage) -> None:
    assert quiet(stage.start(LEASED))
    assert where(stage, "db.service") == ["m1"]
    look(stage, 10 * LEASE)
    assert where(stage, "db.service") == ["m1"]
    assert stage.machines["m1"].started == ["db.service"]
    assert machine_id("m1") in stage.journal.state.units[LEASED.name].guarded


def test_a_promise_is_in_the_journal_before_the_lease_is_sent(stage: Stage) -> None:
    stage.start(LEASED)
    sent = list[int]()
    promised = [one.number for one in stage.journal.events if isinstance(one, LeasesPromised)]

    def note() -> None:
        known = stage.journal.state.leases[machine_id("m1")]
        sent.append(known.number)

    stage.machines["m1"].hook = note
    stage.reconcile()
    assert sent[0] == promised[-1] + 1


def test_without_us_a_leased_unit_ends_by_itself_and_starts_again_where_it_was(
    stage: Stage,
) -> None:
    stage.start(LEASED, MANUAL)
    stage.let_pass(STOPPED_BY)
    assert where(stage, "db.service") == []
    assert where(stage, "cron.service") == ["m1"]
    assert quiet(stage.reconcile())
    assert where(stage, "db.service") == ["m2"]


def test_cut_off_it_ends_and_only_then_starts_elsewhere(stage: Stage) -> None:
    stage.start(LEASED)
    stage.transport.away.add("m1")
    for _ in range(30):
        look(stage, 5.0, every=5.0)
        assert len(where(stage, "db.service")) <= 1
    assert where(stage, "db.service") == ["m2"]
    stage.transport.away.clear()
    stage.reconcile()
    assert where(stage, "db.service") == ["m2"]
    assert stage.machines["m1"].files == {}
    look(stage, 200.0)
    assert where(stage, "db.service") == ["m2"]
    assert stage.machines["m2"].started == ["db.service"]


def test_a_partition_that_heals_in_time_moves_nothing(stage: Stage) -> None:
    stage.start(LEASED)
    stage.transport.away.add("m1")
    look(stage, 10.0)
    stage.transport.away.clear()
    look(stage, 60.0)
    assert where(stage, "db.service") == ["m1"]
    assert stage.machines["m1"].started == ["db.service"]


def test_one_that_heals_after_the_lease_but_before_the_move_starts_it_where_it_was(
    stage: Stage,
) -> None:
    stage.start(LEASED)
    stage.transport.away.add("m1")
    look(stage, 40.0)
    assert where(stage, "db.service") == []
    stage.transport.away.clear()
    look(stage, 10.0)
    assert where(stage, "db.service") == ["m1"]


def test_an_eager_unit_goes_elsewhere_and_the_stale_copy_ends_when_its_machine_is_back(
    stage: Stage,
) -> None:
    stage.start(EAGER)
    stage.transport.away.add("m1")
    look(stage, 50.0)
    assert where(stage, "web.service") == ["m1"]
    look(stage, 30.0)
    assert where(stage, "web.service") == ["m1", "m2"]
    stage.transport.away.clear()
    assert quiet(stage.reconcile())
    assert where(stage, "web.service") == ["m2"]
    assert stage.machines["m1"].done[-1] == "remove web.service"


def test_a_unit_that_fails_over_by_hand_stays_where_it_is(stage: Stage) -> None:
    stage.start(MANUAL)
    stage.transport.away.add("m1")
    look(stage, 600.0)
    assert where(stage, "cron.service") == ["m1"]


def test_when_all_are_silent_nothing_moves_and_leased_units_end(stage: Stage) -> None:
    stage.start(LEASED, EAGER, MANUAL)
    stage.transport.away.update(stage.machines)
    for _ in range(20):
        stage.let_pass(10.0)
        with pytest.raises(TryLater):
            stage.reconcile()
    assert (where(stage, "db.service"), where(stage, "web.service")) == ([], ["m3"])
    stage.transport.away.clear()
    look(stage, 10.0)
    assert [where(stage, name) for name in ("db.service", "web.service", "cron.service")] == [
        ["m2"],
        ["m3"],
        ["m1"],
    ]
    assert stage.machines["m3"].started == ["web.service"]


def test_when_many_are_silent_nothing_moves(stage: Stage) -> None:
    stage.start(EAGER)
    stage.transport.away.update({"m1", "m2"})
    look(stage, 300.0)
    assert where(stage, "web.service") == ["m1"]
    assert "2 of 5 machines are silent" in stage.reconcile().plan.frozen


def test_another_machine_that_reaches_it_keeps_an_eager_unit_there(stage: Stage) -> None:
    stage.start(EAGER)
    stage.transport.away.add("m1")
    stage.transport.opinions["m3", "m1"] = True
    look(stage, 300.0)
    assert where(stage, "web.service") == ["m1"]
    stage.transport.opinions.clear()
    look(stage, 10.0)
    assert where(stage, "web.service") == ["m1", "m2"]


def test_a_rebooted_machine_comes_back_empty_and_gets_its_units_again(stage: Stage) -> None:
    stage.start(LEASED, EAGER)
    homes = stage.running()
    for name in homes:
        stage.machines[name].power_cycle()
    assert stage.running() == {}
    assert quiet(stage.reconcile())
    assert stage.running() == homes


def test_on_another_boot_of_this_computer_the_whole_wait_begins_anew(stage: Stage) -> None:
    stage.start(LEASED)
    stage.transport.away.add("m1")
    look(stage, 60.0)
    stage.clock.boot, stage.clock.now = "another", 5.0
    look(stage, 60.0)
    assert where(stage, "db.service") == []
    look(stage, 60.0)
    assert where(stage, "db.service") == ["m2"]


def test_a_fence_that_says_off_is_proof_enough(stage: Stage) -> None:
    armed = [replace(one, fence_command=("fence",)) for one in stage.fleet.machines]
    stage.fleet = replace(stage.fleet, machines=tuple(armed))
    stage.start(EAGER)
    stage.transport.away.add("m1")
    stage.fences["m1"] = "it hung"
    look(stage, 120.0)
    assert where(stage, "web.service") == ["m1"]
    stage.fences["m1"] = ""
    look(stage, 10.0)
    assert "m2" in where(stage, "web.service")


def test_a_unit_that_gets_a_lease_is_not_given_up_before_it_was_seen_to_have_one(
    stage: Stage,
) -> None:
    plain = service("db.service")
    stage.start(plain)
    stage.transport.away.add("m1")
    stage.start(LEASED)
    look(stage, 300.0)
    assert where(stage, "db.service") == ["m1"]
    stage.transport.away.clear()
    look(stage, 10.0)
    stage.transport.away.add("m1")
    look(stage, 120.0)
    assert where(stage, "db.service") == ["m2"]


def test_a_unit_that_loses_its_lease_is_not_given_up_any_more(stage: Stage) -> None:
    stage.start(LEASED)
    stage.start(service("db.service"))
    assert where(stage, "db.service") == ["m1"]
    assert stage.machines["m1"].leases == {}
    stage.transport.away.add("m1")
    look(stage, 300.0)
    assert where(stage, "db.service") == ["m1"]


MACHINES = st.sampled_from(["m1", "m2", "m3", "m4", "m5"])
STEPS = st.one_of(
    st.tuples(st.just("cut"), MACHINES),
    st.tuples(st.just("heal"), MACHINES),
    st.tuples(st.just("power_cycle"), MACHINES),
    st.tuples(st.just("pass"), st.sampled_from(["1", "5", "20", "45", "90", "300"])),
    st.tuples(st.just("reconcile"), st.sampled_from(["", "", "killed 3", "killed 9", "killed 15"])),
    st.tuples(st.just("reboot"), st.just("")),
    st.tuples(st.just("mode"), st.sampled_from([*FailoverMode])),
)


def take(stage: Stage, step: str, what: str) -> None:
    """Take one step of a history."""
    if step == "cut":
        stage.transport.away.add(what)
    elif step == "heal":
        stage.transport.away.discard(what)
    elif step == "power_cycle":
        stage.machines[what].power_cycle()
    elif step == "pass":
        stage.let_pass(float(what))
    elif step == "reboot":
        stage.clock.boot += "'"
        stage.clock.now = 1.0
    elif step == "mode":
        stage.start(service("mixed.service", f"Failover={what}"))
    else:
        reconcile(stage, int(what.partition(" ")[2] or 10**6))


def reconcile(stage: Stage, steps: int) -> None:
    """Run a controller that dies after so many steps on machines."""
    die = dying(steps)
    for one in stage.machines.values():
        one.hook = die
    try:
        stage.reconcile()
    except (Killed, TryLater):
        pass
    finally:
        for one in stage.machines.values():
            one.hook = lambda: None


def check(stage: Stage) -> None:
    """Nothing that must not run twice does; where eager copies are, the journal knows."""
    alive = [name for one in stage.machines.values() for name in sorted(one.alive())]
    for name in ("db.service", "db2.service", "cron.service"):
        assert alive.count(name) <= 1, (name, stage.running())
    for name, unit in stage.journal.state.units.items():
        found = {machine_id(m) for m, one in stage.machines.items() if name in one.alive()}
        assert found <= unit.holders, name


@given(st.lists(STEPS, max_size=40))
@settings(max_examples=60, deadline=None)
@pytest.mark.timeout(600)
def test_whatever_befalls_machines_and_controllers_nothing_leased_runs_twice(
    steps: list[tuple[str, str]],
) -> None:
    stage = new_stage()
    stage.start(LEASED, service("db2.service", "Failover=lease"), EAGER, MANUAL)
    for step, what in steps:
        try:
            take(stage, step, what)
        except TryLater:
            continue
        check(stage)
    stage.transport.away.clear()
    for _ in range(3):
        stage.let_pass(10.0)
        stage.reconcile()
        check(stage)
    homes = {name: where(stage, name) for name in stage.journal.state.units}
    assert all(len(home) == 1 for home in homes.values()), homes
    assert any(isinstance(one, UnitPlaced) for one in stage.journal.events)

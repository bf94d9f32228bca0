"""Which copies on silent machines are given up, and which are not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sshfleet.model import event as ev
from sshfleet.model.desired import fold
from sshfleet.model.event import CopyGivenUp, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import FailoverMode, FailoverPolicy, Machine, MachineName
from sshfleet.model.observed import Trouble, Unreachable
from sshfleet.model.standing import Standing
from sshfleet.model.unit import Leasing, Unit
from sshfleet.plan.failover import doubtful, fail_over, frozen, to_be_fenced
from sshfleet.plan.planner import make_plan
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.world import World
from tests.builders import machine, machine_id, reached, silent, state, unit, world

EAGER = unit("web.service", failover=FailoverMode.EAGER)
LEASED = unit("db.service", failover=FailoverMode.LEASE)
MANUAL = unit("cron.service")
SINCE = datetime(2026, 11, 23, tzinfo=UTC)
M1, M2 = machine_id("m1"), machine_id("m2")
MACHINES = [machine(f"m{number}") for number in range(1, 6)]


def stands(seconds: float = 600.0, looks: int = 9, trouble: Trouble | None = None) -> Standing:
    return Standing(trouble=trouble or Trouble.SILENT, since=SINCE, looks=looks, seconds=seconds)


def lost(
    *units: Unit,
    on: str = "m1",
    machines: list[Machine] | None = None,
    report: Unreachable | None = None,
    standing: Standing | None = None,
    **more: object,
) -> World:
    named = machines or MACHINES
    made = world(
        *named,
        units=units,
        placed={each.name: on for each in units},
        reports={on: report or silent()},
    )
    made = replace(made, standings={MachineName(on): standing or stands()})
    return replace(made, **more)  # type: ignore[arg-type]


def given_up(of: World) -> set[str]:
    names = frozenset(of.desired.units)
    events = fail_over(of, names).events
    gone = {one.unit for one in events if isinstance(one, CopyGivenUp)}
    assert gone == {one.unit for one in events if isinstance(one, UnitUnplaced)}
    return {str(name) for name in gone}


def guarded(of: World, *names: str) -> World:
    events = [ev.CopyGuarded(of.units[each].name, M1) for each in names]  # type: ignore[index]
    return replace(of, desired=fold(of.desired, events))


def why_kept(of: World, name: str = "web.service") -> str:
    kept = fail_over(of, frozenset(of.desired.units)).kept
    return next((why for (unit_name, _), why in kept.items() if unit_name == name), "")


def test_an_eager_unit_goes_elsewhere_when_the_silence_has_lasted() -> None:
    assert given_up(lost(EAGER)) == {"web.service"}


def test_a_unit_that_fails_over_by_hand_stays_where_it_is() -> None:
    assert given_up(lost(MANUAL)) == set()
    assert given_up(lost(unit("x.service", failover=FailoverMode.MANUAL))) == set()


def test_what_all_units_do_is_said_in_the_inventory() -> None:
    made = lost(MANUAL)
    policy = FailoverPolicy(mode=FailoverMode.EAGER)
    assert given_up(replace(made, fleet=replace(made.fleet, failover=policy))) == {"cron.service"}


def test_a_short_silence_is_none() -> None:
    short = lost(EAGER, standing=stands(seconds=59.0))
    assert given_up(short) == set()
    assert "1 s more" in why_kept(short)


def test_a_single_look_proves_nothing() -> None:
    assert given_up(lost(EAGER, standing=stands(looks=1))) == set()
    assert given_up(lost(EAGER, standing=stands(looks=2))) == {"web.service"}


def test_a_machine_nobody_looked_at_before_is_not_lost() -> None:
    assert given_up(lost(EAGER, standings={})) == set()


@pytest.mark.parametrize("trouble", list(Trouble))
def test_only_silence_can_mean_that_a_machine_is_dead(trouble: Trouble) -> None:
    is_silence = trouble in (Trouble.SILENT, Trouble.HUNG)
    refused = lost(EAGER, report=silent(trouble=trouble))
    assert given_up(refused) == ({"web.service"} if is_silence else set())


def test_what_others_can_reach_is_alive() -> None:
    alive = lost(EAGER, alive_to_others=frozenset({MachineName("m1")}))
    assert given_up(alive) == set()
    assert why_kept(alive) == "another machine can reach it"


def test_many_silent_machines_mean_that_the_fault_is_here() -> None:
    two = lost(EAGER)
    reports = {**two.observed.reports, MachineName("m2"): silent()}
    two = replace(two, observed=replace(two.observed, reports=reports))
    assert given_up(two) == set()
    verdict = fail_over(two, frozenset(two.desired.units))
    assert "2 of 5 machines are silent" in verdict.frozen
    assert make_plan(two, frozenset(two.desired.units), Asked()).frozen == verdict.frozen


def test_a_fifth_of_a_large_fleet_may_be_silent() -> None:
    machines = [machine(f"n{number:02}") for number in range(10)]
    for count, is_frozen in ((1, False), (2, False), (3, True)):
        reports = {f"n{number:02}": silent() for number in range(count)}
        assert bool(frozen(world(*machines, reports=reports))) is is_frozen


def test_nothing_is_frozen_when_nothing_could_move() -> None:
    both = lost(MANUAL)
    reports = {**both.observed.reports, MachineName("m2"): silent()}
    both = replace(both, observed=replace(both.observed, reports=reports))
    assert make_plan(both, frozenset(both.desired.units), Asked()).frozen == ""


def test_a_leased_unit_goes_elsewhere_when_its_lease_is_over_for_sure() -> None:
    made = guarded(lost(LEASED), "db.service")
    assert given_up(replace(made, leases={M1: 0.5})) == set()
    assert given_up(replace(made, leases={M1: 0.0})) == {"db.service"}
    assert "surely over in 30 s" in why_kept(replace(made, leases={M1: 30.0}), "db.service")


def test_a_machine_that_was_promised_nothing_runs_nothing() -> None:
    assert given_up(guarded(lost(LEASED), "db.service")) == {"db.service"}


def test_a_copy_that_may_run_without_a_lease_is_never_given_up() -> None:
    assert given_up(lost(LEASED)) == set()
    assert "without a lease" in why_kept(lost(LEASED), "db.service")


def test_a_lease_needs_no_second_opinion_and_no_patience() -> None:
    made = guarded(lost(LEASED, standing=stands(0.0, 1)), "db.service")
    alive = replace(made, alive_to_others=frozenset({MachineName("m1")}))
    assert given_up(alive) == {"db.service"}


def test_a_unit_that_cannot_keep_to_a_lease_stays_and_that_is_a_problem() -> None:
    docker = replace(LEASED, leasing=Leasing("KillMode=process leaves processes behind"))
    made = lost(docker)
    assert given_up(made) == set()
    plan = make_plan(made, frozenset(made.desired.units), Asked())
    assert ["KillMode=process" in one.why for one in plan.problems] == [True]


def test_what_no_other_machine_can_take_stays_where_it_is() -> None:
    picky = unit("web.service", needs={"disk": "ssd"}, failover=FailoverMode.EAGER)
    only = [machine("m1", disk="ssd"), *MACHINES[1:]]
    made = lost(picky, machines=only)
    assert given_up(made) == set()
    assert "no other machine can take it" in why_kept(made)
    plan = make_plan(made, frozenset(made.desired.units), Asked())
    assert (plan.decisions, plan.unplaceable) == ((), ())
    assert "no other machine" in plan.away[0].why


def test_one_that_can_go_does_not_wait_for_one_that_cannot() -> None:
    picky = unit("web.service", needs={"disk": "ssd"}, failover=FailoverMode.EAGER)
    easy = unit("app.service", failover=FailoverMode.EAGER)
    assert given_up(lost(picky, easy)) == {"app.service"}


def test_units_that_need_each_other_go_together_or_not_at_all() -> None:
    follower = unit("log.service", machine_of="web.service", failover=FailoverMode.EAGER)
    stubborn = unit("log.service", machine_of="web.service")
    assert given_up(lost(EAGER, follower)) == {"web.service", "log.service"}
    assert given_up(lost(EAGER, stubborn)) == set()
    alone = unit("log.service", machine_of="cron.service", failover=FailoverMode.EAGER)
    assert given_up(lost(MANUAL, alone)) == set()


def test_a_global_unit_is_not_moved() -> None:
    assert given_up(lost(unit("agent.service", is_global=True))) == set()


def test_units_beyond_the_scope_are_left_alone() -> None:
    assert fail_over(lost(EAGER), frozenset()).events == ()


def test_it_is_placed_anew_in_the_same_plan_and_started_there() -> None:
    made = lost(EAGER)
    plan = make_plan(made, frozenset(made.desired.units), Asked())
    placed = [one for one in plan.decisions if isinstance(one, UnitPlaced)]
    assert [(one.machine, one.failover) for one in placed] == [(M2, "eager")]
    assert [action.verb.name for action in plan.actions] == ["INSTALL", "START"]
    assert all(action.runtime for action in plan.actions)
    assert plan.away == ()


def test_a_copy_that_was_given_up_keeps_nobody_from_starting() -> None:
    made = lost(EAGER)
    plan = make_plan(made, frozenset(made.desired.units), Asked())
    later = replace(made, desired=fold(made.desired, plan.decisions))
    again = make_plan(later, frozenset(made.desired.units), Asked())
    assert [action.verb.name for action in again.actions] == ["INSTALL", "START"]
    assert (again.decisions, again.away) == ((), ())


def test_the_stale_copy_of_a_machine_that_is_back_is_removed_first() -> None:
    made = lost(EAGER)
    plan = make_plan(made, frozenset(made.desired.units), Asked())
    desired = fold(made.desired, plan.decisions)
    stale = reached("m1", state(EAGER, runtime=True))
    fresh = reached("m2", state(EAGER, runtime=True))
    reports = {**made.observed.reports, MachineName("m1"): stale, MachineName("m2"): fresh}
    back = replace(made, desired=desired, observed=replace(made.observed, reports=reports))
    again = make_plan(back, frozenset(made.desired.units), Asked())
    assert ev.CopyFound(EAGER.name, M1) in again.decisions
    first = again.actions[0]
    assert (first.machine, first.verb.name, first.reason) == (
        "m1",
        "REMOVE",
        "moved to another machine",
    )


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [(True, "does not run"), (False, "has not run since the machine booted")],
)
def test_of_a_unit_that_leaves_no_trace_nobody_says_that_it_has_not_run(
    runtime: bool, reason: str
) -> None:
    ended = state(EAGER, "inactive", "dead", runtime=runtime)
    made = world(
        *MACHINES, units=[EAGER], placed={"web.service": "m1"}, reports={"m1": reached("m1", ended)}
    )
    actions = make_plan(made, frozenset(made.desired.units), Asked()).actions
    assert [one.reason for one in actions if one.verb.name == "START"] == [reason]


def test_a_machine_with_a_fence_is_only_given_up_when_that_says_so() -> None:
    armed = [replace(MACHINES[0], fence_command=("ipmitool", "off")), *MACHINES[1:]]
    for each in (EAGER, LEASED):
        made = lost(each, machines=armed)
        name = MachineName("m1")
        assert to_be_fenced(made, frozenset(made.desired.units)) == (name,)
        assert given_up(made) == set()
        assert given_up(replace(made, fenced={name: "it hung"})) == set()
        assert given_up(replace(made, fenced={name: ""})) == {str(each.name)}
    assert to_be_fenced(lost(MANUAL, machines=armed), frozenset({MANUAL.name})) == ()
    early = lost(EAGER, machines=armed, standing=stands(3.0))
    assert to_be_fenced(early, frozenset(early.desired.units)) == ()


def test_a_second_opinion_is_asked_for_where_it_decides() -> None:
    def asked(of: World) -> tuple[str, ...]:
        return doubtful(of, frozenset(of.desired.units))

    assert asked(lost(EAGER)) == ("m1",)
    assert asked(lost(MANUAL)) == asked(lost(LEASED)) == ()
    assert asked(lost(EAGER, standing=stands(seconds=3.0))) == ()

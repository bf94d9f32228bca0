import pytest

from sshfleet.model.event import TargetState
from sshfleet.model.health import Health, Verdict, judge
from sshfleet.model.observed import UnitState
from tests.builders import state

OK, PENDING, FAILED = Health.OK, Health.PENDING, Health.FAILED
LAUNCHED, LOADED = TargetState.LAUNCHED, TargetState.LOADED


def service(active: str, sub: str, **more: object) -> UnitState:
    return state("web.service", active, sub, **{"kind": "simple", "result": "success", **more})


def ended(result: str, status: int = 0, **more: object) -> UnitState:
    return service("failed", "failed", result=result, status=status, invocation="a", **more)


GOING_WELL = [
    service("active", "running"),
    service("active", "running", settled=True),
    service("active", "running", settled=True, restarts=9),
    service("active", "running", restarts=9),
    service("active", "running", restarts=2, fresh=True),
    service("active", "running", load="not-found"),
    state("web.timer", "active", "waiting"),
    state("db.socket", "active", "listening"),
    service("active", "exited", kind="oneshot"),
    service("inactive", "dead", kind="oneshot", invocation="a"),
]


@pytest.mark.parametrize("shown", GOING_WELL)
def test_what_runs_or_has_run_once_as_asked_is_well(shown: UnitState) -> None:
    assert judge(shown, LAUNCHED) == Verdict(OK)


ON_ITS_WAY = [
    (service("activating", "start"), "activating (start)"),
    (service("reloading", "reload"), "reloading (reload)"),
    (service("refreshing", "refresh"), "refreshing (refresh)"),
    (service("deactivating", "stop-sigterm"), "deactivating (stop-sigterm)"),
    (service("inactive", "dead", job="7"), "queued: systemd waits for other units first"),
    (service("failed", "failed", job="7"), "queued: systemd waits for other units first"),
    (service("active", "running", job="7"), "active (running)"),
    (service("active", "running", settled=False), "has not settled yet"),
]


@pytest.mark.parametrize(("shown", "words"), ON_ITS_WAY)
def test_what_changes_is_waited_for(shown: UnitState, words: str) -> None:
    assert judge(shown, LAUNCHED) == Verdict(PENDING, words)


def crashed(active: str, sub: str, restarts: int) -> UnitState:
    return service(
        active, sub, result="exit-code", status=1, restarts=restarts, settled=False, invocation="a"
    )


@pytest.mark.parametrize(
    "seen", [("activating", "auto-restart"), ("activating", "auto-restart-queued"), ("active", "x")]
)
def test_crashing_is_forgiven_twice(seen: tuple[str, str]) -> None:
    last = ", last exit-code, status 1"
    once = Verdict(PENDING, f"crashed: restarted once{last}")
    assert judge(crashed(*seen, restarts=1), LAUNCHED) == once
    assert judge(crashed(*seen, restarts=2), LAUNCHED).health is PENDING
    assert judge(crashed(*seen, restarts=3), LAUNCHED) == Verdict(
        FAILED, f"flapping: restarted 3 times{last}"
    )


def test_what_runs_for_seconds_only_after_many_restarts_is_flapping() -> None:
    seen = service("active", "running", restarts=3, fresh=True)
    assert judge(seen, LAUNCHED) == Verdict(FAILED, "flapping: restarted 3 times")


ENDED = [
    (ended("exit-code", 1), "failed: exit-code, status 1"),
    (
        ended("exit-code", 203),
        "failed: exit-code, status 203/EXEC: the program cannot be executed",
    ),
    (ended("exit-code", 217), "failed: exit-code, status 217/USER: its User= does not exist there"),
    (ended("signal", 9), "failed: signal 9/SIGKILL"),
    (ended("core-dump", 11), "failed: core-dump 11/SIGSEGV"),
    (ended("signal", 40), "failed: signal 40"),
    (ended("signal"), "failed: signal"),
    (ended("timeout"), "failed: timeout: it did not start or stop in time"),
    (ended("oom-kill", 9), "failed: oom-kill: the machine ran out of memory"),
    (ended("start-limit-hit"), "failed: start-limit-hit: it was started too often in a short time"),
    (ended("service-start-limit-hit"), "failed: service-start-limit-hit"),
    (ended(""), "failed: no reason given"),
    (service("inactive", "dead", invocation="a"), "ended by itself"),
    (
        service("inactive", "dead", invocation="a", result="exec-condition"),
        "does not run: exec-condition: its ExecCondition= does not hold",
    ),
    (
        service("inactive", "dead", kind="oneshot"),
        "has not run: not started, or a condition in it does not hold",
    ),
    (service("inactive", "dead", load="masked"), "it is masked there"),
    (service("failed", "failed", load="not-found"), "its file is not known to systemd there"),
    (service("inactive", "dead", load="error"), "systemd cannot read its file"),
    (
        service("inactive", "dead", load="bad-setting"),
        "systemd refuses its file: a setting in it is wrong",
    ),
]


@pytest.mark.parametrize(("shown", "words"), ENDED)
def test_what_ended_is_told_with_its_reason(shown: UnitState, words: str) -> None:
    assert judge(shown, LAUNCHED) == Verdict(FAILED, words)


def test_a_loaded_unit_is_well_when_it_rests() -> None:
    assert judge(service("inactive", "dead"), LOADED) == Verdict(OK)
    assert judge(ended("exit-code", 1), LOADED) == Verdict(OK)


def test_a_loaded_unit_that_runs_is_not_as_wanted() -> None:
    assert judge(service("deactivating", "stop"), LOADED).health is PENDING
    assert judge(service("inactive", "dead", load="masked"), LOADED).health is FAILED
    assert judge(service("active", "running"), LOADED) == Verdict(
        FAILED, "it runs, but is to be loaded only"
    )

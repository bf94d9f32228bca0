"""Loaded units that systemd starts by itself: for a timer, a socket, a path, or another unit."""

import pytest

from tests.builders import machine
from tests.fake_process import Process
from tests.stage import Stage, quiet, service

BACKUP = service("backup.service")


@pytest.fixture
def stage() -> Stage:
    stage = Stage(machine("m1"))
    stage.start(BACKUP, verb="load")
    return stage


def systemd_starts_it(stage: Stage, active: str = "active") -> None:
    stage.machines["m1"].processes["backup.service"] = Process(active, "running", runs=1)


@pytest.mark.parametrize("active", ["active", "activating"])
def test_what_systemd_started_is_left_running(stage: Stage, active: str) -> None:
    systemd_starts_it(stage, active)
    before = list(stage.machines["m1"].done)
    assert quiet(stage.reconcile())
    assert stage.machines["m1"].done == before


def test_stop_stops_it(stage: Stage) -> None:
    systemd_starts_it(stage)
    assert quiet(stage.change("stop", "backup.service"))
    assert stage.running() == {}


def test_a_stop_does_not_fight_with_what_starts_it_again(stage: Stage) -> None:
    systemd_starts_it(stage)
    one = stage.machines["m1"]
    one.triggered = {"backup.service"}
    assert quiet(stage.change("stop", "backup.service"))
    assert one.done.count("stop backup.service") == 1


def test_a_stop_that_was_cut_off_is_finished_by_reconcile(stage: Stage) -> None:
    stage.start(BACKUP)
    stage.transport.away = {"m1"}
    stage.change("stop", "backup.service")
    stage.transport.away = set()
    assert stage.running() == {"m1": {"backup.service"}}
    assert quiet(stage.reconcile())
    assert stage.running() == {}


def test_without_its_record_nobody_knows_who_started_it(stage: Stage) -> None:
    systemd_starts_it(stage)
    del stage.machines["m1"].records["backup.service"]
    stage.reconcile()
    assert stage.running() == {}


@pytest.mark.parametrize("verb", ["unload", "destroy"])
def test_it_runs_no_longer_once_it_is_to_go(stage: Stage, verb: str) -> None:
    systemd_starts_it(stage)
    assert quiet(stage.change(verb, "backup.service"))
    assert stage.running() == {}
    assert stage.machines["m1"].files == {}

"""Verbs and options of the contract that only show on machines at work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.user import User, by_id, is_active, legend_of, visiting
from tests.listed import KEYS, document, line
from tests.schema import decoded

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
GLOBAL = SLEEP + "[X-Fleet]\nGlobal=true\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone


def test_unload_and_destroy_wait_for_a_slow_stop(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0].name
    stop = f"{SLEEP}ExecStop=/bin/sleep 3\nExecStopPost=/bin/touch /run/stopped\n"
    user.writes("slow.service", stop)
    for verb, told in (
        ("unload", "Unit slow.service inactive\n"),
        ("destroy", "Destroyed slow.service\n"),
    ):
        user.gets("start", "slow")
        lab3.run(home, "rm", "-f", "/run/stopped")
        assert user.gets(verb, "slow") == told
        lab3.run(home, "test", "-e", "/run/stopped")
        assert is_active(lab3, "slow.service")[home] == "inactive"


def test_start_of_a_failed_unit_starts_it_again(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0].name
    user.writes("picky.service", SLEEP + "ExecStartPre=/bin/test -e /run/now\n")
    assert user.runs("start", "picky").code == 1
    assert is_active(lab3, "picky.service")[home] == "failed"
    lab3.run(home, "touch", "/run/now")
    assert user.gets("start", "picky") == (
        f"Unit picky.service launched on {legend_of(by_id(lab3)[0])}\n"
    )
    assert is_active(lab3, "picky.service")[home] == "active"


def test_no_block_says_one_line_of_each_unit(lab3: Lab, user: User) -> None:
    user.writes("one.service", SLEEP)
    user.writes("all.service", GLOBAL)
    user.gets("submit", "one", "all")
    for verb in ("load", "start", "restart", "stop", "unload"):
        assert user.gets(verb, "--no-block", "one", "all") == (
            f"Triggered global unit all.service {verb}\nTriggered unit one.service {verb}\n"
        )
        user.gets("reconcile")  # which ends what was begun
    gone = "Destroyed all.service\nDestroyed one.service\n"
    assert user.gets("destroy", "--no-block", "one", "all") == gone


def test_lists_show_what_is_asked_for(lab3: Lab, user: User) -> None:
    user.writes("one.service", SLEEP)
    user.gets("star", "one", "--timeout", "60")
    first = by_id(lab3)[0]

    fields = user.gets("list-units", "--fields", "sub,unit,sub", "--no-legend")
    assert fields == "running  one.service  running\n"
    (full,) = user.rows("--quiet", "list-units", "-l", "--fields=machine,hash,load")
    assert full["machine"] == f"{first.machine_id}/{first.address}"
    assert len(full["hash"]) == 40
    (short,) = user.rows("list-units", "--fields", "machine,hash")
    assert short == {"machine": legend_of(first), "hash": full["hash"][:7]}
    ids = user.gets("list-m", "--full", "--no-legend", "--fields", "machine").split()
    assert ids == [machine.machine_id for machine in by_id(lab3)]


def test_lists_are_json_as_documented(lab3: Lab, user: User) -> None:
    user.writes("one.service", SLEEP)
    user.writes("all.service", GLOBAL)
    started = decoded("start", user.runs("start", "one", "all", "-o", "json").stdout)
    assert [(one.unit, one.ok, len(one.machines)) for one in started.units] == [
        ("all.service", True, 3),
        ("one.service", True, 1),
    ]
    lab3.kill("core-02")

    for verb, count in (("list-machines", 3), ("list-units", 4), ("list-unit-files", 2)):
        read = document(verb, user.runs(verb, "-o", "json", "--ssh-timeout", "3").stdout)
        assert len(getattr(read, KEYS[verb])) == count
        lines = user.runs(verb, "-o", "jsonl", "--cached").stdout.splitlines()
        assert len([line(verb, each) for each in lines]) == count


def test_a_cordoned_machine_keeps_what_it_has_and_gets_no_more(lab3: Lab, user: User) -> None:
    first, second, third = by_id(lab3)
    user.writes("web@.service", SLEEP)
    user.gets("start", "web@1")
    assert user.gets("cordon", first.name, second.machine_id[:8]) == (
        f"Machine {first.name} cordoned\nMachine {second.name} cordoned\n"
    )

    started = user.gets("start", "web@2", "web@3")
    assert started.count(f"launched on {legend_of(third)}") == 2
    rows = user.rows("list-machines", "--fields", "name,status,cordoned")
    assert [(row["status"], row["cordoned"]) for row in rows] == [
        ("cordoned", "yes"), ("cordoned", "yes"), ("ready", "no"),
    ]  # fmt: skip
    assert is_active(lab3, "web@1.service")[first.name] == "active"
    assert user.gets("reconcile") == ""

    user.gets("uncordon", first.name, second.name)
    assert f"launched on {legend_of(second)}" in user.gets("start", "web@4")

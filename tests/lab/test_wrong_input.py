"""Wrong input that only real machines can answer, and errors in the middle of a fleet at work."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.user import Ended, User, by_id, is_active, legend_of, systemctl, visiting

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        someone.writes("web.service", SLEEP)
        yield someone


def is_refused(ended: Ended, code: int, words: str) -> None:
    """Check that one line says what is wrong and one what to do, and nothing else is said."""
    assert (ended.code, ended.stdout) == (code, "")
    error, hint = ended.stderr.splitlines()
    assert error.startswith("error: ")
    assert words in error
    assert hint.startswith("hint: ")


def listed_with(lab: Lab, user: User, old: str, new: str) -> None:
    """Give the user an inventory of their own, with a mistake in it."""
    user.writes("mine.yaml", lab.inventory.read_text().replace(old, new))
    user.variables["SSHFLEET_INVENTORY"] = "mine.yaml"


def test_units_are_looked_at_only_where_they_are(lab3: Lab, user: User) -> None:
    user.gets("submit", "web")
    is_refused(user.runs("status", "web"), 1, "Unit web.service does not appear to be loaded")
    is_refused(user.runs("journal", "web"), 1, "Unit web.service does not appear to be loaded")
    is_refused(user.runs("ssh", "--unit", "web", "true"), 1, "could not find a placed unit 'web'")
    is_refused(user.runs("restart", "web"), 1, "Unable to restart unit web.service in state")
    is_refused(user.runs("stop", "web"), 1, "Unable to stop unit web.service in state inactive")


def test_of_several_names_the_wrong_one_is_told_and_the_others_are_done(
    lab3: Lab, user: User
) -> None:
    user.gets("start", "web")

    ended = user.runs("stop", "web", "wbe")

    assert ended.code == 1
    assert ended.stdout == f"Unit web.service loaded on {legend_of(by_id(lab3)[0])}\n"
    assert ended.stderr == ("error: Unit wbe.service not found\nhint: did you mean web.service?\n")
    assert set(is_active(lab3, "web.service").values()) == {"inactive"}


def test_one_wrong_file_among_several_and_nothing_is_started(lab3: Lab, user: User) -> None:
    user.writes("bad.service", "[Service]\nExecStart=/bin/true\n[X-Fleet]\nConflict=a\n")

    is_refused(user.runs("start", "web", "bad"), 2, "bad.service:4")

    assert user.gets("list-unit-files", "--no-legend") == ""
    assert set(is_active(lab3, "web.service").values()) == {"inactive"}


def test_a_key_that_the_machines_refuse_is_told(lab3: Lab, user: User, tmp_path: Path) -> None:
    listed_with(lab3, user, "user: core", "user: nobody")

    machines = user.runs("list-machines", "--fields", "status", "--no-legend")
    assert (machines.code, machines.stdout) == (0, "unauthorized\n" * 3)
    started = user.runs("start", "web")
    assert started.code == 77
    assert started.stderr.startswith("error: web.service cannot run on any of 3 machines\n")
    assert "hint: " in started.stderr


def test_a_machine_with_another_host_key_is_told(lab3: Lab, user: User) -> None:
    first, *others = by_id(lab3)
    listed_with(lab3, user, first.host_key, others[0].host_key)

    machines = user.runs("list-machines", "--fields", "name,status", "--no-legend")
    assert machines.code == 0
    assert f"{first.name}  hostkey" in machines.stdout.splitlines()
    started = user.gets("start", "web")
    assert f"launched on {legend_of(others[0])}\n" in started


def test_a_name_that_leads_nowhere_is_one_machine_less(lab3: Lab, user: User) -> None:
    first, *others = by_id(lab3)
    listed_with(lab3, user, f"address: {first.address}", "address: nowhere.invalid")

    machines = user.runs("list-machines", "--fields", "name,status", "--no-legend")
    assert machines.code == 0
    assert f"{first.name}  unreachable" in machines.stdout.splitlines()
    assert f"launched on {legend_of(others[0])}\n" in user.gets("start", "web")


def test_without_sudo_a_machine_says_why_it_cannot_be_used(lab3: Lab, user: User) -> None:
    listed_with(lab3, user, "user: core", "user: core\n  become: none")

    started = user.runs("start", "web")

    assert started.code == 1
    assert started.stderr.startswith("error: web.service ")
    assert "hint: " in started.stderr
    assert set(is_active(lab3, "web.service").values()) == {"inactive"}


def test_an_agent_that_has_gone_changes_nothing(lab3: Lab, user: User) -> None:
    user.gets("start", "web")
    agent = user.variables["SSH_AUTH_SOCK"]

    is_refused(user.runs("stop", "web", SSH_AUTH_SOCK="gone"), 77, "no ssh-agent at gone")

    assert "active" in is_active(lab3, "web.service").values()
    assert user.gets("list-unit-files", "--fields", "dstate", "--no-legend") == "launched\n"
    assert user.runs("stop", "web", SSH_AUTH_SOCK=agent).code == 0


def test_a_second_run_is_told_who_is_at_work(lab3: Lab, user: User) -> None:
    home = by_id(lab3)[0].name
    user.writes("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n")
    with user.begins("start", "slow") as process:
        until(
            lambda: systemctl(lab3, home, "is-active", "slow.service") == "activating",
            60,
            "the start to begin",
        )
        second = user.runs("start", "web")
        assert [row["sub"] for row in user.rows("list-units")] == ["start"]
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)

    is_refused(second, 75, "another sshfleet holds the journal")
    assert f"pid {process.pid}" in second.stderr
    assert "start slow" in second.stderr
    assert process.returncode == 130
    assert stderr.splitlines()[1:] == [
        "stopped; unfinished is:",
        f"  slow.service on {home}: goes on there: activating (start)",
        "hint: sshfleet reconcile finishes it, or the same command once more",
    ]
    assert user.gets("destroy", "slow") == "Destroyed slow.service\n"

"""Kinds of units, and how a start tells what became of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.user import User, by_id, is_active, legend_of, shown, systemctl, visiting

SOON = 45  # seconds for what must not wait for --timeout (90), on a busy computer
SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
FOR_EVER = "[Unit]\nStartLimitIntervalSec=0"
NOTIFY = """\
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'sleep {seconds}; systemd-notify --ready; exec sleep infinity'
"""


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone


@pytest.fixture
def home(lab3: Lab) -> str:
    """Name the machine that the first unit gets."""
    return by_id(lab3)[0].name


def launched(lab: Lab, unit: str) -> str:
    return f"Unit {unit} inactive\nUnit {unit} launched on {legend_of(by_id(lab)[0])}\n"


def test_a_oneshot_that_succeeded_counts_as_started(lab3: Lab, user: User, home: str) -> None:
    user.writes("once.service", "[Service]\nType=oneshot\nExecStart=/bin/touch /run/once\n")

    assert user.gets("start", "once") == launched(lab3, "once.service")

    assert lab3.run(home, "ls", "/run/once").returncode == 0
    assert systemctl(lab3, home, "is-active", "once.service") == "inactive"
    assert user.gets("reconcile") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ExecStart=/nonexistent", "the program cannot be executed"),
        ("ExecStart=/bin/false", "failed: "),
        ("Type=oneshot\nExecStart=/bin/sh -c 'exit 3'", "status 3"),
        # systemd's limit of starts or our count of crashes, whichever is seen first
        ("Restart=always\nRestartSec=100ms\nExecStart=/bin/false", "exit-code, status 1"),
        (
            f"Restart=always\nRestartSec=300ms\nExecStart=/bin/false\n{FOR_EVER}",
            "flapping: restarted ",
        ),
        ("User=nobody-at-all\nExecStart=/bin/sleep 9", "its User= does not exist there"),
        ("ExecStart=sleep\nExecStart=", "bad unit file setting"),
    ],
)
@pytest.mark.row("C8")
def test_a_start_that_fails_says_so_soon(user: User, home: str, text: str, words: str) -> None:
    user.writes("bad.service", f"[Service]\n{text}\n")

    started = user.runs("start", "bad")

    assert (started.code, started.stdout) == (1, "Unit bad.service inactive\n")
    error, hint = started.stderr.splitlines()
    assert error.startswith(f"error: bad.service on {home}: ")
    assert words in error
    assert hint == "hint: sshfleet status bad.service; sshfleet journal bad.service"
    assert started.seconds < SOON
    assert user.runs("reconcile").code == 1


def test_a_unit_that_requires_what_is_missing_says_what(user: User, home: str) -> None:
    user.writes("needy.service", "[Unit]\nRequires=missing.service\n" + SLEEP)

    started = user.runs("start", "needy")

    assert started.code == 1
    assert f"error: needy.service on {home}: " in started.stderr
    assert "missing.service not found" in started.stderr
    assert started.seconds < SOON


def test_a_start_waits_for_a_unit_that_needs_time(lab3: Lab, user: User, home: str) -> None:
    user.writes("slow.service", NOTIFY.format(seconds=3))

    started = user.runs("start", "slow")

    assert (started.code, started.stdout) == (0, launched(lab3, "slow.service"))
    assert started.seconds > 3
    assert systemctl(lab3, home, "is-active", "slow.service") == "active"


@pytest.mark.parametrize("limit", [("--timeout", "2"), ("--block-attempts", "1")])
def test_a_start_waits_no_longer_than_it_is_told(
    user: User, home: str, limit: tuple[str, str]
) -> None:
    user.writes("slow.service", NOTIFY.format(seconds=600))

    started = user.runs("start", "slow", *limit)

    assert (started.code, started.stdout) == (1, "Unit slow.service inactive\n")
    assert started.stderr.startswith(f"error: timed out: slow.service on {home} is activating")
    assert 2 < started.seconds < SOON


def test_no_block_does_not_wait(lab3: Lab, user: User, home: str) -> None:
    user.writes("slow.service", NOTIFY.format(seconds=3))

    assert user.gets("start", "--no-block", "slow") == (
        "Unit slow.service inactive\nTriggered unit slow.service start\n"
    )

    assert systemctl(lab3, home, "is-active", "slow.service") == "activating"
    until(lambda: is_active(lab3, "slow.service")[home] == "active", SOON, "it to be active")
    assert user.gets("stop", "--no-block", "slow") == "Triggered unit slow.service stop\n"
    until(lambda: is_active(lab3, "slow.service")[home] == "inactive", SOON, "it to stop")


def test_the_install_section_is_followed(lab3: Lab, user: User, home: str) -> None:
    user.writes(
        "wanted.service", SLEEP + "[Install]\nWantedBy=multi-user.target\nAlias=also.service\n"
    )
    user.gets("start", "wanted")

    assert systemctl(lab3, home, "is-enabled", "wanted.service") == "enabled"
    assert "wanted.service" in shown(lab3, home, "multi-user.target", "Wants").split()
    assert systemctl(lab3, home, "is-active", "also.service") == "active"

    user.gets("destroy", "wanted")
    assert "wanted.service" not in shown(lab3, home, "multi-user.target", "Wants").split()
    assert shown(lab3, home, "also.service", "LoadState") == "not-found"


def test_a_timer_runs_the_service_beside_it(lab3: Lab, user: User) -> None:
    user.writes("beat.timer", "[Timer]\nOnActiveSec=1s\nAccuracySec=100ms\n")
    user.writes(
        "beat.service",
        "[Service]\nType=oneshot\nExecStart=/bin/touch /run/beat\n"
        "[X-Fleet]\nMachineOf=beat.timer\n",
    )
    for filler in ("a", "b"):
        user.writes(f"{filler}.service", SLEEP)
    user.gets("start", "a", "b")

    user.gets("load", "beat.service", "beat.timer")
    home = by_id(lab3)[2].name
    assert {row["name"] for row in user.rows("list-units", "--fields", "name,unit")[2:]} == {home}
    user.gets("start", "beat.timer")

    def has_run() -> bool:
        return lab3.run(home, "test", "-e", "/run/beat", check=False).returncode == 0

    until(has_run, SOON, "the service to run")


def test_restart_makes_new_processes(lab3: Lab, user: User, home: str) -> None:
    user.writes("one.service", SLEEP)
    user.writes("all.service", SLEEP + "[X-Fleet]\nGlobal=true\n")
    user.gets("start", "one", "all")
    names = [machine.name for machine in lab3.machines]
    before = [shown(lab3, name, "all.service", "MainPID") for name in names]
    before_one = shown(lab3, home, "one.service", "MainPID")

    where = legend_of(by_id(lab3)[0])
    assert user.gets("restart", "one", "all") == (
        f"Triggered global unit all.service restart\nUnit one.service launched on {where}\n"
    )

    after = [shown(lab3, name, "all.service", "MainPID") for name in names]
    assert "0" not in {*after, *before}
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert shown(lab3, home, "one.service", "MainPID") not in ("0", before_one)
    assert user.gets("reconcile") == ""


def test_replace_gives_a_running_unit_its_new_text(lab3: Lab, user: User, home: str) -> None:
    user.writes("web.service", SLEEP)
    user.gets("start", "web")
    before = shown(lab3, home, "web.service", "MainPID")
    user.writes("web.service", SLEEP.replace("infinity", "54321"))

    kept = user.runs("start", "web")
    assert kept.code == 0
    assert "differs from the local unit file web.service. Add --replace" in kept.stderr
    assert shown(lab3, home, "web.service", "MainPID") == before

    user.gets("start", "--replace", "web")
    assert shown(lab3, home, "web.service", "MainPID") not in ("0", before)
    assert "sleep 54321" in shown(lab3, home, "web.service", "ExecStart")
    same = user.gets("start", "--replace", "web")
    assert same.startswith("Found same Unit(web.service) in Registry, nothing to do\n")

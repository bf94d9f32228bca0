"""What others change on real machines: found, mended or only told, and never fought over."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from sshfleet.model.action import Verb
from sshfleet.model.health import CRASHES
from tests.lab.host import SLEEPER, Host, install, order, refused, shown
from tests.lab.user import User, visiting

# A unit a kind of drift, on every machine, and what somebody does to it there.
CHANGES = {
    "edited": 'echo Nice=1 >>"/etc/sshfleet/units/$unit"',
    "deleted": 'rm "/etc/sshfleet/units/$unit"',
    "disabled": 'rm "/etc/systemd/system/sshfleet.target.wants/$unit"',
    "unlinked": 'rm "/etc/systemd/system/$unit"',
    "stopped": 'systemctl stop "$unit"',
    "masked": 'ln -sfn /dev/null "/etc/systemd/system/$unit"',
    "shadowed": 'echo "[Service]\nExecStart=/bin/sleep 99" >"/etc/systemd/system.control/$unit"',
    "drop-in": 'echo "[Service]\nNice=3" >"/run/systemd/system/$unit.d/x.conf"',
}
TOLD = ("edited", "deleted", "disabled", "unlinked", "stopped")
SUITES = ("core-01", "core-02")  # systemd 252 and 257
FOLDERS = 'mkdir -p /etc/systemd/system.control "/run/systemd/system/$unit.d"'
WHOLE = """
rm -rf /etc/systemd/system.control /run/systemd/system/*.service.d/x.conf
rmdir /run/systemd/system/*.service.d 2>/dev/null || :
systemctl unmask masked.service 2>/dev/null
systemctl daemon-reload
"""
LOOP = """[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sleep LIVES
Restart=always
RestartSec=DOWN
"""


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as user:
        yield user


def change(lab: Lab, kinds: Iterable[str]) -> None:
    """Let somebody be at work on a machine of each suite."""
    steps = [f"unit={kind}.service; {FOLDERS}\n{CHANGES[kind]}" for kind in kinds]
    for machine in SUITES:
        Host(lab, machine).sh("\n".join([*steps, "systemctl daemon-reload"]))


def drifts(user: User) -> dict[tuple[str, str], str | None]:
    """Return the drift that is listed, by unit and machine; rows without any left out."""
    rows = json.loads(user.runs("list-units", "-o", "json").stdout)["units"]
    return {(row["unit"], row["name"]): row["drift"] for row in rows if row["drift"]}


@pytest.mark.row("C18")
def test_what_is_ours_is_mended_and_what_is_not_is_told(lab3: Lab, user: User) -> None:
    units = [f"{kind}.service" for kind in CHANGES]
    for unit in units:
        user.writes(unit, f"{SLEEPER}[X-Fleet]\nGlobal=true\n")
    user.gets("start", *units)
    try:
        change(lab3, CHANGES)

        assert drifts(user) == {
            (f"{kind}.service", machine): kind for kind in CHANGES for machine in SUITES
        }
        planned = user.runs("plan")
        assert planned.code == 1
        assert "-Nice=1\n" in planned.stdout
        assert "has a drop-in that is not ours: /run/systemd/system/drop-in.service.d/x.conf" in (
            planned.stdout
        )

        mended = user.runs("reconcile")
        assert mended.code == 1
        told = [line for line in mended.stderr.splitlines() if line.startswith("error: ")]
        assert sorted(told) == [
            *(f"error: masked.service on {one}: it is masked there by "
              "/etc/systemd/system/masked.service" for one in SUITES),
            *(f"error: shadowed.service on {one}: "
              "/etc/systemd/system.control/shadowed.service hides its file there"
              for one in SUITES),
        ]  # fmt: skip
        left = ("masked", "shadowed", "drop-in")
        assert drifts(user) == {
            (f"{kind}.service", machine): kind for kind in left for machine in SUITES
        }
    finally:
        for machine in SUITES:
            Host(lab3, machine).sh(WHOLE)
    user.runs("reconcile")
    assert drifts(user) == {}
    assert user.gets("reconcile") == ""


def test_under_report_it_is_left_until_the_user_names_the_unit(lab3: Lab, user: User) -> None:
    units = [f"{kind}.service" for kind in TOLD]
    for unit in units:
        user.writes(unit, f"{SLEEPER}[X-Fleet]\nGlobal=true\nDrift=report\n")
    user.gets("start", *units)
    change(lab3, TOLD)
    found = {(f"{kind}.service", machine): kind for kind in TOLD for machine in SUITES}

    said = user.runs("reconcile")

    assert (said.code, said.stdout) == (1, "")
    assert said.stderr.count(", and left so: Drift=report\n") == len(found)
    assert drifts(user) == found
    assert "-Nice=1\n" in user.runs("plan", "edited").stdout
    assert user.runs("start", *units).code == 0
    assert user.gets("reconcile") == ""


@pytest.mark.parametrize(("lives", "down"), [("0", "300ms"), ("0.2", "100ms")])
def test_what_crashes_again_and_again_is_told_and_left_to_systemd(
    lab3: Lab, user: User, lives: str, down: str
) -> None:
    user.writes("loop.service", LOOP.replace("LIVES", lives).replace("DOWN", down))
    assert user.runs("start", "loop").code == 1
    until(lambda: restarts(lab3, "loop.service") >= CRASHES, 60, "crashes")

    for _ in range(3):  # whether it is just up or down
        said = user.runs("reconcile")
        assert (said.code, said.stdout) == (1, "")
        assert ": flapping: restarted " in said.stderr
        assert set(drifts(user).values()) == {"flapping"}


def restarts(lab: Lab, unit: str) -> int:
    """Return how often systemd started a unit anew, on whichever machine."""
    show = ("systemctl", "show", "-p", "NRestarts", "--value", unit)
    return max(int(lab.run(machine.name, *show).stdout) for machine in lab.machines)


@pytest.mark.row("C18")
def test_a_unit_that_a_reboot_takes_away_can_be_masked_in_two_places(host: Host) -> None:
    host.load_unit("api.service", SLEEPER)
    action = replace(install("web.service", SLEEPER), runtime=True)
    reply = host.go(action, order(Verb.START, "web.service"))
    assert refused(reply) == {}
    assert shown(reply, "web.service").runtime

    mine = host.sh("readlink /run/systemd/system/web.service").strip()
    for folder in ("/etc/systemd/system", "/run/systemd/system"):
        host.sh('ln -sfn /dev/null "$1/web.service"; systemctl daemon-reload', folder)
        seen = host.unit("web.service")
        assert (seen.shadow, seen.masked, seen.load) == (f"{folder}/web.service", True, "masked")
        host.sh('rm "$1/web.service"', folder)

    host.sh('ln -s "$1" /run/systemd/system/web.service; systemctl daemon-reload', mine)
    seen = host.unit("web.service")
    assert (seen.shadow, seen.unlinked, seen.load, seen.active) == ("", False, "loaded", "active")


def test_drop_ins_of_others_are_seen_wherever_systemd_looks_for_them(host: Host) -> None:
    host.run_units({"web@1.service": SLEEPER})
    places = [
        "/etc/systemd/system.control/web@1.service.d/a.conf",
        "/etc/systemd/system/web@.service.d/b.conf",
        "/etc/systemd/system/web@1.service.d/c.conf",
        "/run/systemd/system/web@1.service.d/d.conf",
        "/usr/lib/systemd/system/web@1.service.d/e.conf",
    ]
    try:
        host.sh('for f; do mkdir -p "${f%/*}"; echo "[Service]" >"$f"; done', *places)
        host.sh('mkdir -p "$1"; echo "[Service]" >"$1/x.conf"', "/etc/systemd/system/web.service.d")
        host.sh('echo "[Service]" >"$1"/"a\n\tb.conf"', "/run/systemd/system/web@1.service.d")
        assert sorted(host.unit("web@1.service").strays) == sorted(
            [*places, "/run/systemd/system/web@1.service.d/"]
        )
    finally:
        host.sh('for f; do rm -rf "${f%/*}"; done', *places, "/etc/systemd/system/web.service.d/x")
        host.sh("rmdir /etc/systemd/system.control; systemctl daemon-reload")

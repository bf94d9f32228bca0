"""New texts and drop-ins as a user gives them: in place, with one restart, whoever was away."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.model.unit import UnitName
from tests.lab.host import SLEEPER, Host, install
from tests.lab.user import User, by_id, legend_of, shown, systemctl, visiting

# Each start leaves a line, so that starts can be counted.
COUNTED = "[Service]\nExecStart=/bin/sh -c 'echo >>/run/starts; exec sleep infinity'\n"
NICE = "[Service]\nEnvironment=MOOD=nice\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone


@pytest.fixture
def home(lab3: Lab) -> str:
    """Name the machine that the first unit gets, on which starts are counted from none."""
    name = by_id(lab3)[0].name
    lab3.run(name, "rm", "-f", "/run/starts")
    return name


def starts(lab: Lab, machine: str) -> int:
    return lab.run(machine, "cat", "/run/starts", check=False).stdout.count(b"\n")


def test_drop_ins_travel_with_their_unit(lab3: Lab, user: User, home: str) -> None:
    user.writes("units/web.service", COUNTED)
    user.writes("units/web.service.d/10-nice.conf", NICE)
    assert user.gets("submit", "units") == "Unit web.service inactive\n"
    user.gets("start", "web")
    assert shown(lab3, home, "web.service", "Environment") == "MOOD=nice"
    with_conf = COUNTED + "# web.service.d/10-nice.conf\n" + NICE
    assert user.gets("cat", "web") == with_conf
    here, known = user.rows("list-units", "--fields", "hash"), user.rows("list-unit-files")
    assert here[0]["hash"] == known[0]["hash"]

    lab3.run(home, "rm", "/etc/sshfleet/units/web.service.d/10-nice.conf")
    assert "its drop-ins were changed there" in user.gets("plan")
    user.runs("reconcile")
    assert shown(lab3, home, "web.service", "DropInPaths").endswith("web.service.d/10-nice.conf")
    assert starts(lab3, home) == 1

    (user.folder / "units/web.service.d/10-nice.conf").unlink()
    assert "differs from the local unit file" in user.runs("start", "units/web").stderr
    user.gets("start", "--replace", "units/web")
    assert shown(lab3, home, "web.service", "DropInPaths") == ""
    assert (user.gets("cat", "web"), starts(lab3, home)) == (COUNTED, 2)


def test_replace_keeps_the_machine_and_changes_the_main_pid_once(
    lab3: Lab, user: User, home: str
) -> None:
    user.writes("web.service", COUNTED)
    user.gets("start", "web")
    before = shown(lab3, home, "web.service", "MainPID")
    user.writes("web.service", COUNTED + "Nice=1\n")

    where = legend_of(by_id(lab3)[0])
    assert user.gets("start", "--replace", "web") == f"Unit web.service launched on {where}\n"

    after = shown(lab3, home, "web.service", "MainPID")
    assert after not in ("0", before)
    assert user.gets("reconcile") == ""
    assert (shown(lab3, home, "web.service", "MainPID"), starts(lab3, home)) == (after, 2)

    user.writes("web.service", COUNTED + "[X-Fleet]\nMachineMetadata=disk=none\n")
    refused = user.runs("start", "--replace", "web")
    assert refused.code == 1
    assert f"{home}  disk is " in refused.stderr


def test_a_machine_that_was_away_restarts_a_unit_once_it_is_back(
    lab3: Lab, user: User, home: str
) -> None:
    user.writes("web.service", COUNTED)
    user.gets("start", "web")
    user.writes("web.service", COUNTED + "Nice=1\n")
    lab3.partition(home)
    assert user.runs("start", "--replace", "web", "--ssh-timeout", "2").code == 3
    assert starts(lab3, home) == 1
    lab3.heal(home)

    assert user.runs("reconcile").stdout == (
        f"+ web.service install on {home}: has a new text\n"
        f"~ web.service restart on {home}: runs its old text\n"
    )

    assert (shown(lab3, home, "web.service", "Nice"), starts(lab3, home)) == ("1", 2)
    assert user.gets("reconcile") == ""
    assert starts(lab3, home) == 2


def test_a_run_that_was_killed_between_file_and_restart_is_finished_with_one_restart(
    lab3: Lab, user: User, home: str
) -> None:
    user.writes("web.service", COUNTED)
    user.gets("start", "web")
    new = COUNTED + "Nice=1\n"
    user.writes("web.service", new)
    lab3.partition(home)
    user.runs("start", "--replace", "web", "--ssh-timeout", "2")
    # What the machine did of it before the controller was gone.
    host = Host(lab3, home)
    record = json.loads(host.sh("cat /etc/sshfleet/records/web.service"))
    host.stage(new)
    action = replace(install("web.service", new), generation=record["generation"])
    state = host.go(action, lineage=record["lineage"]).report.units[UnitName("web.service")]
    assert state.old_text
    lab3.heal(home)

    note = f"web.service on {home} still runs its old text; hint: sshfleet restart web.service\n"
    assert user.runs("list-units").stderr == note
    (row,) = json.loads(user.runs("list-units", "-o", "json").stdout)["units"]
    assert row["old_text"] is True
    assert "runs its old text" in user.gets("plan")
    user.runs("reconcile")
    assert (shown(lab3, home, "web.service", "Nice"), starts(lab3, home)) == ("1", 2)
    assert user.gets("reconcile") == ""
    assert user.runs("list-units").stderr == ""


def test_instances_follow_their_template_when_that_is_asked_for(lab3: Lab, user: User) -> None:
    user.writes("web@.service", SLEEPER)
    user.gets("submit", "web@.service")
    user.gets("start", "web@1", "web@2")
    user.gets("load", "web@3")
    user.gets("submit", "web@4")
    user.writes("web@.service", SLEEPER + "Nice=1\n")
    user.writes("web@.service.d/10-nice.conf", NICE)

    alone = user.runs("submit", "--replace", "web@.service")
    assert (alone.code, alone.stdout) == (0, "Unit web@.service inactive\n")
    assert alone.stderr == (
        "web@.service: 4 instances keep their text; give them the new one with --instances\n"
    )
    assert user.runs("start", "--instances", "web@.service").code == 2

    said = user.runs("submit", "--replace", "--instances", "web@.service")
    assert said.stdout.endswith("Unit web@4.service inactive\n")
    assert said.stderr.count("Warning: can not replace Unit(web@") == 3

    gets = user.gets("start", "--replace", "--instances", "web@.service")
    assert gets.count("nothing to do") == 2
    states = user.rows("list-unit-files", "--fields", "unit,dstate,hash")
    wanted = ["inactive", "launched", "launched", "loaded", "inactive"]
    assert [row["dstate"] for row in states] == wanted
    assert len({row["hash"] for row in states}) == 1
    for number, active in {1: "active", 2: "active", 3: "inactive"}.items():
        unit = f"web@{number}.service"
        (row,) = [
            row for row in user.rows("list-units", "--fields", "unit,name") if row["unit"] == unit
        ]
        assert shown(lab3, row["name"], unit, "Nice") == "1"
        assert shown(lab3, row["name"], unit, "Environment") == "MOOD=nice"
        assert systemctl(lab3, row["name"], "is-active", unit) == active
    assert user.gets("reconcile") == ""

"""Where units go: the rules of [X-Fleet] on real machines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.user import User, by_id, is_active, legend_of, visiting

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone


def rules(*lines: str) -> str:
    return SLEEP + "[X-Fleet]\n" + "".join(f"{line}\n" for line in lines)


def where(user: User) -> dict[str, str]:
    """Return the machine of each unit that is active; no unit runs on two."""
    rows = user.rows("list-units", "--fields", "unit,name,active")
    assert len({row["unit"] for row in rows}) == len(rows)
    return {row["unit"]: row["name"] for row in rows if row["active"] == "active"}


def test_units_go_where_id_metadata_and_peers_say(lab3: Lab, user: User) -> None:
    third = by_id(lab3)[2]
    trixie = next(each.name for each in lab3.machines if each.suite == "trixie")
    user.writes("id.service", rules(f"MachineID={third.machine_id[:8]}"))
    user.writes("whole.service", rules(f"X-ConditionMachineID={third.machine_id}"))
    user.writes("suite.service", rules("MachineMetadata=suite=trixie"))
    user.writes("peer.service", rules("MachineOf=suite.service"))
    user.writes(
        "both.service", rules("MachineMetadata=region=us-east-1", "MachineMetadata=disk=hdd")
    )

    user.gets("start", "both", "id", "peer", "suite", "whole")

    east_hdd = next(
        each.name
        for each in lab3.machines
        if (each.metadata["region"], each.metadata["disk"]) == ("us-east-1", "hdd")
    )
    assert where(user) == {
        "id.service": third.name,
        "whole.service": third.name,
        "suite.service": trixie,
        "peer.service": trixie,
        "both.service": east_hdd,
    }


def test_what_no_machine_fits_is_told_machine_by_machine(lab3: Lab, user: User) -> None:
    user.writes("mars.service", rules("MachineMetadata=region=mars"))

    started = user.runs("start", "mars")

    assert (started.code, started.stdout) == (1, "Unit mars.service inactive\n")
    assert started.stderr.splitlines() == [
        "error: mars.service cannot run on any of 3 machines",
        *(
            f"  {each.name}  region is {each.metadata['region']}, not mars"
            for each in lab3.machines
        ),
        "hint: change its [X-Fleet] rules or free a machine; "
        "reconcile places it as soon as one qualifies",
    ]


def test_a_global_unit_runs_on_every_machine_that_qualifies(lab3: Lab, user: User) -> None:
    user.writes("every.service", rules("Global=true"))
    user.writes("east.service", rules("Global=true", "MachineMetadata=region=us-east-1"))

    assert user.gets("start", "every", "east") == (
        "Unit east.service inactive\nUnit every.service inactive\n"
        "Triggered global unit east.service start\nTriggered global unit every.service start\n"
    )

    assert set(is_active(lab3, "every.service").values()) == {"active"}
    assert is_active(lab3, "east.service") == {
        each.name: "active" if each.metadata["region"] == "us-east-1" else "inactive"
        for each in lab3.machines
    }
    files = user.rows("list-unit-files", "--fields", "unit,state,target,global")
    assert {(row["state"], row["target"], row["global"]) for row in files} == {
        ("-", "global", "true")
    }
    user.gets("stop", "every")
    assert set(is_active(lab3, "every.service").values()) == {"inactive"}


def test_instances_templates_folders_and_globs(lab3: Lab, user: User) -> None:
    text = "[Service]\nExecStart=/bin/sh -c 'echo %i >/run/of-%p-%i; exec sleep infinity'\n"
    user.writes("units/web@.service", text + "[X-Fleet]\nConflicts=web@*.service\n")
    user.writes("units/db.service", SLEEP)
    user.writes("units/README.md", "not a unit")
    first, second, third = by_id(lab3)

    user.gets("submit", "units")
    files = user.rows("list-unit-files", "--fields", "unit,dstate")
    assert [row["unit"] for row in files] == ["db.service", "web@.service"]

    user.gets("start", "web@1", "web@2", "web@3")
    assert where(user) == {
        "web@1.service": first.name,
        "web@2.service": second.name,
        "web@3.service": third.name,
    }
    assert lab3.run(second.name, "cat", "/run/of-web-2").stdout == b"2\n"

    # A file that the shell would have put in place of the glob.
    user.writes("web@9.service", SLEEP)
    assert user.gets("stop", "web@[12]*") == (
        f"Unit web@1.service loaded on {legend_of(first)}\n"
        f"Unit web@2.service loaded on {legend_of(second)}\n"
    )
    assert where(user) == {"web@3.service": third.name}
    assert user.gets("start", "units/db.service") == (
        f"Unit db.service launched on {legend_of(first)}\n"
    )
    assert user.gets("destroy", "web@*", "db") == (
        "Destroyed db.service\nDestroyed web@.service\n"
        "Destroyed web@1.service\nDestroyed web@2.service\nDestroyed web@3.service\n"
    )


@pytest.mark.row("C17")
def test_a_name_that_is_taken_on_a_machine_is_never_overwritten(lab3: Lab, user: User) -> None:
    user.writes("cron-like.service", SLEEP)
    theirs = "/etc/systemd/system/cron-like.service"
    for machine in lab3.machines:
        lab3.run(machine.name, "tee", theirs, input=b"[Service]\nExecStart=/bin/true\n")
        lab3.run(machine.name, "systemctl", "daemon-reload")
    try:
        started = user.runs("start", "cron-like")
        assert started.code == 1
        assert started.stderr.count(f"the name is taken by {theirs}") == 3
        for machine in lab3.machines:
            text = lab3.run(machine.name, "cat", theirs).stdout
            assert text == b"[Service]\nExecStart=/bin/true\n"
    finally:
        for machine in lab3.machines:
            lab3.run(machine.name, "rm", theirs)
            lab3.run(machine.name, "systemctl", "daemon-reload")


def test_two_users_with_journals_of_their_own_do_not_touch_each_others_units(
    lab3: Lab, user: User, tmp_path: Path
) -> None:
    user.writes("web.service", SLEEP)
    user.gets("start", "web")
    folder = tmp_path / "other"
    folder.mkdir()
    other = User.of(lab3, folder)
    other.writes("web.service", SLEEP + "# another\n")

    started = other.runs("start", "web")
    assert (started.code, started.stdout) == (74, "")
    assert "belongs to another journal" in started.stderr
    assert other.runs("destroy", "web").code == 1
    assert sorted(is_active(lab3, "web.service").values()) == ["active", "inactive", "inactive"]

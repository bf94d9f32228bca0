"""plan, --dry-run and explain on real machines: they look, change nothing, and come true."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.user import User, by_id, traces, visiting
from tests.schema import decoded

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone


def places(document: str, kind: str) -> dict[str, str]:
    """Return where a plan has changes of one kind, by unit."""
    found = decoded("plan", document)
    return {one.unit: one.machine for one in found.changes if one.kind == kind}


def state_files(user: User) -> dict[str, bytes]:
    """Return the journal and all that lies beside it."""
    paths = (user.folder / "home/state").rglob("*")
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def where(user: User) -> dict[str, str]:
    rows = user.rows("list-units", "--fields", "unit,name,active")
    return {row["unit"]: row["name"] for row in rows if row["active"] == "active"}


def test_a_dry_run_leaves_no_trace_and_the_real_run_does_what_it_said(
    lab3: Lab, user: User
) -> None:
    user.writes("web@.service", SLEEP + "[X-Fleet]\nConflicts=web@*\n")
    user.writes("ssd.service", SLEEP + "[X-Fleet]\nMachineMetadata=disk=ssd\n")
    units = ("web@1", "web@2", "web@3", "ssd")

    said = places(user.gets("start", "--dry-run", "-o", "json", *units), "start")

    assert len(said) == 4
    assert not any(traces(lab3, machine.name) for machine in lab3.machines)
    assert not (user.folder / "home/state").exists()
    user.gets("start", *units)
    assert where(user) == said
    kept = state_files(user)
    assert user.gets("plan") == "nothing to do\n"
    gone = places(user.gets("destroy", "--dry-run", "-o", "json", "*"), "remove")
    assert gone == said
    assert state_files(user) == kept
    assert where(user) == said


@pytest.mark.row("C18")
def test_a_file_that_was_edited_on_its_machine_is_shown_and_put_right(
    lab3: Lab, user: User
) -> None:
    user.writes("web.service", SLEEP)
    user.gets("start", "web")
    home = by_id(lab3)[0].name
    path = "/etc/sshfleet/units/web.service"
    lab3.run(home, "tee", path, input=SLEEP.replace("infinity", "5\x1b[7m").encode())

    assert user.gets("plan") == (
        f"~ web.service  update on {home}  its file was edited there\n\n"
        f"--- {home}:{path}\n+++ web.service\n@@ -1,2 +1,2 @@\n [Service]\n"
        "-ExecStart=/bin/sleep 5\\x1b[7m\n+ExecStart=/bin/sleep infinity\n\n"
        "1 to update\n"
    )

    done = decoded("reconcile", user.gets("reconcile", "-o", "json"))
    assert [(one.verb, one.machine, one.result) for one in done.actions] == [
        ("install", home, "done")
    ]
    assert lab3.run(home, "cat", path).stdout.decode() == SLEEP
    assert user.gets("plan") == "nothing to do\n"


def test_the_fourth_of_four_that_keep_apart_is_explained(lab3: Lab, user: User) -> None:
    user.writes("db@.service", SLEEP + "[X-Fleet]\nConflicts=db@*\n")
    user.gets("start", "db@1", "db@2", "db@3")

    explained = user.runs("explain", "db@4")

    names = ", ".join(machine.name for machine in lab3.machines)
    assert (explained.code, explained.stderr) == (1, "")
    assert explained.stdout.startswith("db@4.service cannot run on any of 3 machines\n")
    assert explained.stdout.endswith(
        f"nearest misses:\n  without Conflicts=db@*  3 machines qualify: {names}\n"
    )
    third = decoded("explain", user.gets("explain", "db@3", "-o", "json"))
    (placed,) = third.placed
    assert [(one.machine, one.here) for one in third.machines if one.qualifies] == [
        (placed.machine, True)
    ]
    assert placed.reason == "the only machine that qualifies"
    again = user.gets("explain", "--cached", "--quiet", "db@3", "-o", "json")
    assert decoded("explain", again) == third


def test_a_machine_that_is_away_matters_to_the_plan_and_can_be_thought_away(
    lab3: Lab, user: User
) -> None:
    user.writes("web.service", SLEEP)
    user.gets("start", "web")
    home, second = (machine.name for machine in by_id(lab3)[:2])
    lab3.kill(home)

    plan = user.runs("plan", "--ssh-timeout", "3")

    assert plan.code == 3
    assert plan.stdout.startswith(f"? web.service  on {home}  cannot be reached (")
    lost = user.runs("plan", "--lose", home, SSH_AUTH_SOCK="")
    assert (lost.code, lost.stdout.splitlines()[-1]) == (0, "1 to move")
    assert f"+ web.service  start on {second} " in lost.stdout

"""Real machines know whose they are: others are refused; a journal that was lost is made good."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.user import User, by_id, shown, visiting
from tests.schema import decoded

SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n"
EVERYWHERE = f"{SERVICE}[X-Fleet]\nGlobal=true\n"
UNITS = ("web.service", "db@1.service", "log.service")


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        someone.writes("web.service", SERVICE)
        someone.writes("web.service.d/10-x.conf", "[Service]\nEnvironment=A=1\n")
        someone.writes("db@.service", SERVICE)
        someone.writes("log.service", EVERYWHERE)
        yield someone


@pytest.fixture
def other(lab3: Lab, tmp_path: Path) -> User:
    folder = tmp_path / "other"
    folder.mkdir()
    somebody = User.of(lab3, folder)
    somebody.writes("new.service", SERVICE)
    return somebody


def journal(user: User) -> Path:
    return next((user.folder / "home" / "state").rglob("journal.jsonl"))


def invocations(lab: Lab) -> list[str]:
    ids = [shown(lab, each.name, name, "InvocationID") for each in lab.machines for name in UNITS]
    return [one for one in ids if one]


def test_a_second_journal_is_refused_until_it_adopts_and_then_the_first_one_is(
    lab3: Lab, user: User, other: User
) -> None:
    user.gets("start", *UNITS[:2])
    user.runs("start", "log.service")
    user.gets("reconcile")
    user.gets("stop", "db@1")
    before, listed = invocations(lab3), user.rows("list-units")
    assert len(before) == 4

    refused = other.runs("start", "new.service")
    assert (refused.code, refused.stdout) == (74, "")
    assert "belongs to another journal (last changed by" in refused.stderr
    assert (
        "hint: use that journal (--journal PATH); if it is lost: sshfleet adopt" in refused.stderr
    )
    assert other.rows("list-unit-files") == []

    assert f":{journal(user)} at 20" in refused.stderr
    in_use = other.runs("adopt")
    assert in_use.code == 1
    assert "belongs to a journal that may be in use" in in_use.stderr
    asked = other.runs("adopt", "--take-over")
    assert asked.code == 2
    assert "sshfleet adopt --take-over --yes" in asked.stderr
    told = decoded("adopt", other.runs("adopt", "--take-over", "--yes", "-o", "json").stdout)
    assert told.written
    assert [(one.unit, one.target, one.error) for one in told.adopted] == [
        ("db@1.service", "loaded", None),
        ("log.service", "launched", None),
        ("web.service", "launched", None),
    ]
    assert other.gets("plan") == "nothing to do\n"
    assert other.gets("reconcile") == ""
    assert other.rows("list-units") == listed
    assert "Environment=A=1" in other.gets("cat", "web")
    assert invocations(lab3) == before

    late = user.runs("stop", "web")
    assert late.code == 1
    assert "belongs to another journal" in late.stderr
    assert invocations(lab3) == before
    # From here on the machines are the other one's; the first takes them back, with all it knew.
    back = user.runs("adopt", "--take-over", "--yes")
    assert back.code == 0, back
    assert user.runs("adopt").code == 1
    user.gets("start", "web")
    assert invocations(lab3) == before


def test_a_journal_that_was_lost_is_rebuilt_in_its_place(lab3: Lab, user: User) -> None:
    user.gets("start", *UNITS[:2])
    before, listed = invocations(lab3), user.rows("list-unit-files")
    journal(user).unlink()
    assert user.runs("reconcile").code == 0, "it knows of nothing, and does nothing"
    assert user.runs("start", "web").code == 74
    shown = user.runs("adopt", "--dry-run")
    assert (shown.code, user.rows("list-unit-files")) == (0, [])
    assert user.runs("adopt").code == 0
    assert user.rows("list-unit-files") == listed
    assert user.gets("plan") == "nothing to do\n"
    assert user.runs("adopt").code == 1
    assert user.runs("adopt", "--take-over", "--yes").stdout.startswith("nothing to adopt")
    assert invocations(lab3) == before


def test_an_old_copy_of_a_journal_does_nothing_until_it_takes_over(
    lab3: Lab, user: User, tmp_path: Path
) -> None:
    user.gets("start", *UNITS[:2])
    backup = tmp_path / "backup"
    shutil.copy(journal(user), backup)
    user.gets("destroy", "db@1")
    user.gets("stop", "web")
    shutil.copy(backup, journal(user))
    for words in (["reconcile"], ["start", "web"], ["plan"], ["explain", "web"]):
        refused = user.runs(*words)
        assert (refused.code, refused.stdout) == (74, ""), refused
        assert "this journal is an old or a second copy" in refused.stderr
    assert invocations(lab3) == []

    assert "inactive" in user.runs("adopt", "--take-over", "--yes").stdout
    assert user.gets("reconcile") == ""
    assert invocations(lab3) == []
    assert {row["unit"]: row["dstate"] for row in user.rows("list-unit-files")} == {
        "db@1.service": "inactive",
        "web.service": "loaded",
    }


def test_one_run_waits_for_another_on_the_same_machine(lab3: Lab, user: User) -> None:
    first = by_id(lab3)[0].name
    hold = "flock /run/systemd/system sh -c 'touch /run/held; sleep 2' >/dev/null 2>&1 &"
    lab3.run(
        first, "sh", "-c", f"rm -f /run/held; {hold} while [ ! -e /run/held ]; do sleep 0.05; done"
    )
    ended = user.runs("start", "web")
    assert ended.code == 0
    assert ended.seconds > 1.5

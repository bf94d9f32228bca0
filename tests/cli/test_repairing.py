"""journal-repair as a user types it: with a terminal, without one, with --yes."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_wrong_input import INVENTORY, UNIT, is_refused
from tests.lab.user import LONGEST, User
from tests.schema import decoded


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSH_AUTH_SOCK": "", "SSHFLEET_JOURNAL": "j/journal.jsonl"})
    someone.writes("inventory.yaml", INVENTORY)
    for name in ("web.service", "db.service", "api.service"):
        someone.writes(name, UNIT.replace("infinity", name))
        someone.gets("submit", name)
    return someone


def journal_of(user: User) -> Path:
    return user.folder / "j/journal.jsonl"


def damaged(user: User) -> bytes:
    """Damage the record that registers the second unit; return the broken file."""
    path = journal_of(user)
    path.write_bytes(path.read_bytes().replace(b'"unit":"db.service"', b'"unit":"dB.service"'))
    return path.read_bytes()


def kept(user: User) -> list[bytes]:
    return [one.read_bytes() for one in (user.folder / "j").glob("journal.jsonl.damaged-*")]


def answered(user: User, answer: str) -> tuple[int, str]:
    """Run journal-repair on a terminal of its own and type an answer."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        user.command("journal-repair"),
        cwd=user.folder,
        env=user.variables,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        told, _ = process.communicate(timeout=LONGEST)
    os.close(ours)
    return process.returncode, told


def test_a_sound_journal_is_said_to_be_so_and_not_changed(user: User) -> None:
    before = journal_of(user).read_bytes()
    assert user.gets("journal-repair") == "j/journal.jsonl is sound: 7 records\n"
    assert user.gets("journal-repair", "--yes") == "j/journal.jsonl is sound: 7 records\n"
    document = decoded("journal-repair", user.runs("journal-repair", "-o", "json").stdout)
    assert (document.sound, document.repaired, document.records) == (True, False, 7)
    assert journal_of(user).read_bytes() == before
    assert kept(user) == []


def test_other_verbs_name_the_verb_that_repairs(user: User) -> None:
    damaged(user)
    for command in ("list-unit-files", "cat web", "destroy web"):
        ended = user.runs(*command.split())
        is_refused(ended, 74, "journal.jsonl:5")
        assert "sshfleet journal-repair" in ended.stderr


def test_with_yes_the_good_part_takes_the_place_of_the_broken_file(user: User) -> None:
    broken = damaged(user)
    lines = user.gets("journal-repair", "--yes").splitlines()
    assert lines[0] == "j/journal.jsonl:5: this record is damaged"
    assert lines[1].startswith("good: 3 records before it, the last of ")
    size = len(b"".join(broken.splitlines(keepends=True)[3:]))
    assert lines[2] == f"lost: 4 lines, {size} bytes, from there to the end"
    assert lines[3] == "left: 1 units: web.service inactive"
    assert lines[4].startswith("cut off before line 4; the broken file is j/journal.jsonl.damaged-")
    assert "sshfleet plan" in lines[5]
    assert "sshfleet adopt" in lines[5]
    assert kept(user) == [broken]
    assert (
        user.gets("list-unit-files", "--cached", "--quiet", "--no-legend").split()[0]
        == "web.service"
    )


def test_without_a_terminal_it_shows_what_it_found_and_does_nothing(user: User) -> None:
    broken = damaged(user)
    ended = user.runs("journal-repair")
    assert ended.code == 2
    assert "left: 1 units: web.service inactive" in ended.stdout
    assert "hint: read the lines above, then: sshfleet journal-repair --yes" in ended.stderr
    assert journal_of(user).read_bytes() == broken
    assert kept(user) == []


def test_on_a_terminal_it_asks(user: User) -> None:
    broken = damaged(user)
    code, told = answered(user, "no")
    assert (code, journal_of(user).read_bytes()) == (1, broken)
    assert "Cut the journal off before line 4?" in told
    assert "nothing was changed" in told
    code, told = answered(user, "yes")
    assert (code, kept(user)) == (0, [broken])
    assert "cut off before line 4" in told


def test_what_was_found_and_done_is_told_as_json(user: User) -> None:
    damaged(user)
    ended = user.runs("journal-repair", "-o", "json")
    found = decoded("journal-repair", ended.stdout)
    assert (ended.code, found.sound, found.repaired, found.line) == (2, False, False, 5)
    ended = user.runs("journal-repair", "-o", "json", "--yes")
    done = decoded("journal-repair", ended.stdout)
    assert (ended.code, done.repaired, done.records, done.lost_lines) == (0, True, 3, 4)
    assert done.kept.startswith("j/journal.jsonl.damaged-")
    assert [(one.unit, one.state) for one in done.left] == [("web.service", "inactive")]

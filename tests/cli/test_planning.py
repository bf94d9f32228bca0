"""plan, --dry-run and explain, typed as a user would, where no machine can be reached.

A journal and a cache of what was seen are made first; what needs machines is in tests/lab.
"""

import fcntl
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sshfleet.journal.cache import save_seen
from sshfleet.journal.store import Journal
from sshfleet.model.event import (
    Event,
    MachineSeen,
    TargetSet,
    TargetState,
    TextStored,
    UnitPlaced,
    UnitSubmitted,
)
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from tests.builders import machine_id, reached, sha256
from tests.lab.user import Ended, User
from tests.schema import decoded, line_fields

INVENTORY = """\
machines:
  m1: {address: 192.0.2.1, metadata: {disk: ssd}}
  m2: {address: 192.0.2.2, metadata: {disk: ssd}}
  m3: {address: 192.0.2.3, metadata: {disk: hdd}}
"""
TEXT = "[Service]\nExecStart=/bin/sleep infinity\n"
SSD = TEXT + "[X-Fleet]\nMachineMetadata=disk=ssd\n"
NOW = datetime.now(UTC)


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSHFLEET_JOURNAL": "j/journal.jsonl"})
    del someone.variables["SSH_AUTH_SOCK"]
    someone.writes("inventory.yaml", INVENTORY)
    return someone


def remembers(user: User, units: dict[str, tuple[str, str]]) -> None:
    """Journal launched units with their text and machine, and a look at all machines."""
    path = user.folder / "j/journal.jsonl"
    with Journal.open(path, by="me@here", command="test", now=lambda: NOW) as journal:
        journal.append([*_seen(), *_launched(units)])
    looks = {MachineName(m): (NOW - timedelta(minutes=1), reached(m)) for m in ("m1", "m2", "m3")}
    save_seen(path, dict(looks))


def _seen() -> Iterable[Event]:
    for name in ("m1", "m2", "m3"):
        yield MachineSeen(machine_id(name), MachineName(name), "")


def _launched(units: dict[str, tuple[str, str]]) -> Iterable[Event]:
    for number, (name, (text, where)) in enumerate(units.items(), start=1):
        yield TextStored(sha256(text), text)
        yield UnitSubmitted(UnitName(name), sha256(text))
        yield TargetSet(UnitName(name), TargetState.LAUNCHED)
        if where:
            yield UnitPlaced(UnitName(name), machine_id(where), number, "it was empty")


def files(user: User) -> dict[str, bytes]:
    """Return everything below the user's folder, the home included."""
    return {
        str(path): path.read_bytes() if path.is_file() else b"" for path in user.folder.rglob("*")
    }


def as_told(ended: Ended) -> tuple[int, str]:
    return ended.code, ended.stderr


def test_without_a_journal_and_an_agent_there_is_nothing_to_do_and_nothing_written(
    user: User,
) -> None:
    before = files(user)
    assert user.gets("plan") == "nothing to do\n"
    assert user.gets("reconcile", "--dry-run") == "nothing to do\n"
    assert files(user) == before


def test_submit_is_rehearsed_without_machines_and_writes_nothing(user: User) -> None:
    user.writes("web.service", TEXT)
    before = files(user)
    assert user.gets("submit", "--dry-run", "web") == (
        "+ web.service  register  a new unit\n\n1 to register\n"
    )
    assert files(user) == before


def test_a_new_text_is_shown_as_a_difference(user: User) -> None:
    user.writes("web.service", TEXT)
    user.gets("submit", "web")
    user.writes("web.service", TEXT.replace("infinity", "9"))
    before = files(user)
    assert user.gets("submit", "--replace", "--dry-run", "web") == (
        "~ web.service  update  gets a new text\n\n"
        "--- web.service\n+++ web.service\n@@ -1,2 +1,2 @@\n [Service]\n"
        "-ExecStart=/bin/sleep infinity\n+ExecStart=/bin/sleep 9\n\n"
        "1 to update\n"
    )
    assert files(user) == before


def test_a_journal_that_another_holds_can_still_be_planned_with(user: User) -> None:
    user.writes("web.service", TEXT)
    user.gets("submit", "web")
    (lock,) = (user.folder / "j").glob("*lock*")
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert user.gets("destroy", "--dry-run", "web") == (
            "- web.service  forget  destroyed\n\n1 to forget\n"
        )
        assert user.runs("destroy", "web").code == 75


REFUSED = """\
start web@.service
load nowhere@1
restart web
destroy wbe""".splitlines()


def test_what_a_verb_refuses_its_dry_run_refuses_alike(user: User) -> None:
    for name in ("web.service", "web@.service"):
        user.writes(name, TEXT)
    user.gets("submit", "web", "web@.service")
    for verb, unit in map(str.split, REFUSED):
        dry = user.runs(verb, "--dry-run", unit)
        assert dry.stdout == ""
        assert dry.code in (1, 2)
        assert as_told(dry) == as_told(user.runs(verb, unit))


def test_a_name_that_plan_does_not_know_is_told(user: User) -> None:
    user.writes("web.service", TEXT)
    user.gets("submit", "web")
    ended = user.runs("plan", "wbe")
    assert (ended.code, ended.stdout) == (1, "")
    assert "hint: did you mean web.service?" in ended.stderr


def test_what_if_a_machine_is_lost_is_answered_offline(user: User) -> None:
    remembers(user, {"a.service": (SSD, "m1"), "b.service": (TEXT, "m2")})
    before = files(user)
    ended = user.runs("plan", "--lose", "m1")
    assert (ended.code, ended.stdout) == (
        0,
        "- a.service  lost with m1\n"
        "+ a.service  start on m2   the only machine that qualifies\n\n"
        "1 to move\n",
    )
    assert ended.stderr.startswith("as last seen, up to ")
    assert files(user) == before


def test_what_would_be_nowhere_is_told_and_a_new_machine_helps(user: User) -> None:
    remembers(user, {"a.service": (SSD, "m1")})
    ended = user.runs("plan", "--lose", "m1", "--lose", "m2")
    assert (ended.code, ended.stdout) == (
        1,
        "- a.service  lost with m1\n"
        "! a.service  cannot run on the only machine\n"
        "    m3  disk is hdd, not ssd\n\n"
        "1 to lose; 1 unit cannot be placed\n",
    )
    ended = user.runs("plan", "--lose", "m1", "--lose", "m2", "--add", "disk=ssd,rack=b")
    assert ended.code == 0
    assert "+ a.service  start on new-1  the only machine that qualifies\n" in ended.stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--lose", "m11"), "hint: did you mean m1?"),
        (("--add", "disk"), "hint: name each key"),
        (("--add", "disk=ssd,disk=hdd"), "hint: name each key"),
    ],
)
def test_a_wrong_question_is_told(user: User, words: tuple[str, ...], hint: str) -> None:
    ended = user.runs("plan", *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert hint in ended.stderr


def test_documents_have_exactly_their_fields(user: User) -> None:
    remembers(user, {"a.service": (SSD, "m1"), "b.service": (SSD + "# b\n", "")})
    plan = user.runs("plan", "--lose", "m1", "--lose", "m2", "-o", "json")
    found = decoded("plan", plan.stdout)
    assert (found.version, found.summary) == (1, {"lose": 1})
    assert [one.unit for one in found.unplaceable] == ["a.service", "b.service"]
    path = ("--journal", "k/journal.jsonl")
    assert decoded("reconcile", user.gets("reconcile", "-o", "json", *path)).actions == []
    user.writes("c.service", TEXT)
    found = decoded("plan", user.gets("submit", "--dry-run", "-o", "json", "c"))
    assert [(one.kind, one.unit) for one in found.changes] == [("register", "c.service")]


def test_lines_of_json_have_the_same_fields_item_by_item(user: User) -> None:
    remembers(user, {"a.service": (SSD, "m1")})
    plan = user.runs("plan", "--lose", "m1", "--lose", "m2", "-o", "jsonl")
    lines = [json.loads(line) for line in plan.stdout.splitlines()]
    assert [line["in"] for line in lines] == ["changes", "unplaceable", "end"]
    assert {line["in"]: set(line) for line in lines}.items() <= line_fields("plan").items()


def test_a_file_is_explained_before_it_is_submitted_and_nothing_is_written(user: User) -> None:
    remembers(user, {"a.service": (TEXT, "m1")})
    user.writes("new.service", SSD)
    before = files(user)
    ended = user.runs("explain", "--cached", "new.service")
    assert (ended.code, ended.stdout) == (
        0,
        "new.service would be placed on m2: least loaded of 2 machines that qualify (0 units)\n"
        "\n"
        "MACHINE  READY  METADATA  UNITS  VERDICT\n"
        "m1       ok     ok        1      qualifies\n"
        "m2       ok     ok        0      chosen\n"
        "m3       ok     no        0      no\n"
        "\n"
        "m3  disk is hdd, not ssd\n",
    )
    assert files(user) == before


def test_a_placed_unit_is_told_since_when_and_why_and_what_a_new_text_would_do(
    user: User,
) -> None:
    remembers(user, {"a.service": (TEXT, "m3")})
    ended = user.runs("explain", "--cached", "--quiet", "a", "-o", "json")
    found = decoded("explain", ended.stdout)
    (placed,) = found.placed
    assert (placed.machine, placed.reason, ended.code) == ("m3", "it was empty", 0)
    assert abs(datetime.fromisoformat(placed.at) - NOW) < timedelta(seconds=1)

    user.writes("a.service", SSD)
    ended = user.runs("explain", "--cached", "a")
    assert "WARNING: Unit a.service in the journal differs from the local unit file" in ended.stderr
    assert "its rules still let it run on m3\n" in ended.stdout
    ended = user.runs("explain", "--cached", "--quiet", "--replace", "a")
    assert "it may not stay on m3: disk is hdd, not ssd\n" in ended.stdout
    assert "a.service would move to m1: " in ended.stdout


def test_lines_of_an_explanation_have_the_fields_of_its_document(user: User) -> None:
    remembers(user, {"a.service": (TEXT + "[X-Fleet]\nMachineMetadata=disk=no\n", "")})
    ended = user.runs("explain", "--cached", "a", "-o", "jsonl")
    assert ended.code == 1
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["in"] for line in lines] == ["machines"] * 3 + ["misses", "end"]
    assert {line["in"]: set(line) for line in lines}.items() <= line_fields("explain").items()


def test_what_cannot_be_explained_is_told(user: User) -> None:
    remembers(user, {"a.service": (TEXT, "m1"), "b.service": (TEXT + "# b\n", "m2")})
    user.writes("p@.service", TEXT)
    for argument, code, words in [
        ("p@.service", 2, "hint: explain an instance of it: sshfleet explain p@1.service"),
        ("*", 2, "means 2 units"),
        ("gone", 1, "unable to find unit gone.service in the journal or on disk"),
    ]:
        ended = user.runs("explain", "--cached", argument)
        assert (ended.code, ended.stdout) == (code, "")
        assert words in ended.stderr

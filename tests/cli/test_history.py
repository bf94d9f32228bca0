"""`history` as a user types it: what happened, chosen by unit, machine, time and end."""

import fcntl
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sshfleet.cli.app import run
from sshfleet.journal.snapshot import WORTHWHILE
from sshfleet.journal.store import Journal
from sshfleet.model import event as ev
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName, sha256_of
from sshfleet.unitfile.read import read_text
from tests.cli.test_wrong_input import INVENTORY, UNIT, is_refused
from tests.lab.user import Ended, User
from tests.listed import HistoryList, HistoryRow, document, line

START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=10)
WEB, DB = UnitName("web.service"), UnitName("db@1.service")
ONE, TWO = MachineId("1" * 32), MachineId("2" * 32)
SHA, HASH = sha256_of(UNIT), read_text(WEB, UNIT).hash

# One batch a day; each was appended by one command.
STORY: tuple[tuple[str, tuple[Event, ...]], ...] = (
    (
        "sshfleet start web",
        (
            ev.MachineSeen(ONE, MachineName("one"), "192.0.2.1"),
            ev.MachineSeen(TWO, MachineName("two"), "192.0.2.2"),
            ev.TextStored(SHA, UNIT),
            ev.UnitSubmitted(WEB, SHA),
            ev.TargetSet(WEB, TargetState.LAUNCHED),
            ev.UnitPlaced(WEB, ONE, 1, "least loaded"),
        ),
    ),
    (
        "sshfleet reconcile",
        (ev.ActionEnded(WEB, ONE, "start", "is to run", "failed", "inactive", "failed", 420),),
    ),
    (
        "sshfleet reconcile",
        (ev.UnitUnplaced(WEB, ONE, "moves"), ev.UnitPlaced(WEB, TWO, 2, "least loaded")),
    ),
    ("sshfleet reconcile", (ev.ActionEnded(WEB, ONE, "remove", "moved", "unknown"),)),
    (
        "sshfleet submit db@1",
        (ev.UnitSubmitted(DB, SHA),),
    ),
)
ROWS = [
    "root  -             -    the journal begins",
    "root  -             one  seen at 192.0.2.1",
    "root  -             two  seen at 192.0.2.2",
    f"root  web.service   -    text {HASH[:7]}",
    "root  web.service   -    wanted: inactive → launched",
    "root  web.service   one  placed: least loaded",
    "root  web.service   one  start failed after 0.4s, inactive → failed: is to run",
    "root  web.service   two  moved one → two: moves",
    "root  web.service   one  remove unknown: moved",
    f"root  db@1.service  -    text {HASH[:7]}",
]


def write(path: Path, at: datetime, command: str, *events: Event, by: str = "root@vm") -> None:
    with Journal.open(path, by=by, command=command, now=lambda: at) as journal:
        journal.append(events)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a journal with the story in it, to a user without an inventory."""
    path = tmp_path / "j/journal.jsonl"
    for number, (command, events) in enumerate(STORY):
        write(path, START + timedelta(days=number), command, *events)
    monkeypatch.setenv("SSHFLEET_JOURNAL", str(path))
    monkeypatch.chdir(tmp_path)
    return path


Runs = Callable[..., Ended]
Gets = Callable[..., str]


@pytest.fixture
def runs(path: Path, capsys: pytest.CaptureFixture[str]) -> Runs:
    """Give what runs the verb in this process, for speed."""

    def ended(*words: str) -> Ended:
        code = run(["history", *words])
        return Ended(code, *capsys.readouterr(), seconds=0)

    return ended


@pytest.fixture
def gets(runs: Runs) -> Gets:
    def printed(*words: str) -> str:
        ended = runs(*words)
        assert (ended.code, ended.stderr) == (0, ""), ended
        return ended.stdout

    return printed


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def shown(gets: Gets, *words: str) -> list[str]:
    """Return the rows without the first column."""
    rows = gets("--no-legend", *words).splitlines()
    return [row.split("  ", 1)[1] for row in rows]


def squeezed(rows: list[str]) -> list[str]:
    """Return rows of tables whose columns may differ in width."""
    return [" ".join(row.split()) for row in rows]


def test_all_that_happened_is_told_oldest_first(gets: Gets) -> None:
    assert shown(gets) == ROWS
    legend, last = gets("-n", "1").splitlines()
    assert legend.split() == ["WHEN", "WHO", "UNIT", "MACHINE", "WHAT"]
    when = START + timedelta(days=len(STORY) - 1)
    assert last.startswith(when.astimezone().strftime("%m-%d %H:%M:%S  "))


def test_it_works_while_another_command_holds_the_lock(path: Path, tmp_path: Path) -> None:
    user = User(tmp_path, {"SSH_AUTH_SOCK": ""})
    before = sorted(path.parent.iterdir())
    with Path(f"{path}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert len(user.gets("history").splitlines()) == len(ROWS) + 1
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["-n", "2"], slice(8, 10)),
        (["-n", "0"], slice(0, 0)),
        (["-n", "1" + "0" * 30], slice(0, 10)),
        (["--unit", "web"], slice(3, 9)),
        (["--unit", "w*", "--unit", "db@1.service"], slice(3, 10)),
        (["--unit", "db@?", "--unit", "web", "-n", "1"], slice(9, 10)),
        (["--since", day(2)], slice(7, 10)),
        (["--since", day(1), "--until", day(2)], slice(6, 8)),
        (["--since", "1h"], slice(0, 0)),
        (["--failed", "--until", "8d"], slice(6, 7)),
    ],
)
def test_what_is_wanted_is_chosen(gets: Gets, words: list[str], rows: slice) -> None:
    assert squeezed(shown(gets, *words)) == squeezed(ROWS[rows])


def kinds(gets: Gets, *words: str) -> list[str]:
    return gets("--fields", "kind", "--no-legend", *words).split()


def test_a_machine_is_found_by_id_and_by_the_names_it_had_and_has(path: Path, gets: Gets) -> None:
    write(path, START, "", ev.MachineSeen(ONE, MachineName("new-1"), "192.0.2.1"))
    before = ["see", "place", "start", "move", "remove"]
    assert kinds(gets, "--machine", "one") == before
    assert kinds(gets, "--machine", "new-1") == [*before, "see"]
    assert kinds(gets, "--machine", "1111...") == [*before, "see"]
    assert kinds(gets, "--machine", "2", "--unit", "web") == ["move"]


def test_a_move_between_machines_whose_names_are_not_known_any_more_is_found(
    tmp_path: Path, gets: Gets
) -> None:
    other = tmp_path / "k/journal.jsonl"
    for number, (command, events) in enumerate(STORY[:3]):
        kept = [event for event in events if not isinstance(event, ev.MachineSeen)]
        write(other, START + timedelta(days=number), command, *kept)
    for machine in (ONE, TWO):
        rows = kinds(gets, "--journal", str(other), "--machine", machine[:4])
        assert rows.count("move") == 1


def test_json_says_it_exactly_and_both_forms_agree(gets: Gets) -> None:
    text = gets("-o", "json")
    found = document("history", text)
    assert isinstance(found, HistoryList)
    assert len(found.history) == len(ROWS)
    assert found.history[6] == HistoryRow(
        at=day(1).replace("+00:00", ".000Z"),
        by="root@vm",
        command="sshfleet reconcile",
        kind="start",
        unit="web.service",
        machine=ONE,
        name="one",
        before="inactive",
        after="failed",
        reason="is to run",
        result="failed",
        ms=420,
    )
    move = found.history[7]
    assert (move.kind, move.before, move.after, move.reason) == ("move", ONE, TWO, "moves")
    assert (found.history[3].before, found.history[3].after) == (None, HASH)
    lines = gets("-o", "jsonl").splitlines()
    assert [line("history", one) for one in lines] == found.history
    assert json.loads(text)["version"] == 1


def test_the_hash_of_a_text_is_the_one_that_lists_show(
    gets: Gets, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    run(["list-unit-files", "--cached", "--quiet", "--full", "--fields", "hash", "--no-legend"])
    listed = capsys.readouterr().out.split()
    told = gets("--full", "--fields", "kind,to", "--no-legend").splitlines()
    assert [row.split()[1] for row in told if row.startswith("text ")] == listed == [HASH, HASH]


def test_without_a_journal_nothing_has_happened(gets: Gets, tmp_path: Path) -> None:
    assert gets("--journal", "k/journal.jsonl").split() == [
        "WHEN", "WHO", "UNIT", "MACHINE", "WHAT",
    ]  # fmt: skip
    empty = gets("--journal", "k/journal.jsonl", "-o", "json")
    assert document("history", empty) == HistoryList(version=1, history=[])
    assert not (tmp_path / "k").exists()


@pytest.mark.parametrize(
    ("words", "code", "said", "hint"),
    [
        (["--unit", "wbe"], 1, "Unit wbe.service not found", "did you mean web.service?"),
        (["--unit", "web", "--unit", "x*"], 1, "no unit matches 'x*'", "list-unit-files"),
        (["--unit", "a b"], 2, "'a b.service' is not a unit name", "web.service"),
        (["--machine", "tow"], 1, "no machine 'tow' in the journal", "did you mean two?"),
        (["--machine", ""], 1, "no machine '' in the journal", "list-machines"),
        (["--since", "soon"], 2, "--since 'soon' is not a time", "2h"),
        (["-n", "-1"], 2, "--lines is below 0", "all"),
        (["-n", "many"], 2, "many", "--help"),
        (["--fields", "wen"], 2, 'Invalid key in output format: "wen"', "did you mean when?"),
        (["web"], 2, "web", "--help"),
    ],
)
def test_wrong_words_are_told(
    runs: Runs, words: list[str], code: int, said: str, hint: str
) -> None:
    ended = runs(*words)
    is_refused(ended, code, said)
    assert hint in ended.stderr.splitlines()[1]


def test_a_unit_that_is_registered_is_known_though_its_past_is_not(gets: Gets) -> None:
    assert gets("--unit", "web", "--since", "1s", "--no-legend") == ""


def test_nothing_in_the_journal_can_steer_a_terminal(path: Path, gets: Gets) -> None:
    nasty = ev.ActionEnded(WEB, ONE, "start", "\x1b[2J\u202e", "failed\n", "\x07", "b")
    write(path, START, "c\x1b", nasty, by="a\x1b@b")
    text = gets("--fields", "who,command,result,what,from", "-n", "1")
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert "\\x1b[2J\\u202e" in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["--keep-history", "365"], "begin"),
        ([], "cordon"),
        (["--keep-history", "0"], "cordon"),
    ],
)
def test_how_far_it_reaches_back_can_be_said(
    path: Path, gets: Gets, words: list[str], begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("inventory.yaml").write_text(INVENTORY)
    large = ev.TextStored("0" * 64, "#" * WORTHWHILE)
    write(path, START, "", large)  # which is compacted: the story is in an archive now
    (archive,) = path.parent.glob("journal.jsonl.*-*")
    a_while_ago = time.time() - 100 * 24 * 60 * 60
    os.utime(archive, (a_while_ago, a_while_ago))
    journal = Journal.open(path, by="root@vm", command="", now=lambda: datetime.now(UTC))
    journal.append([large])
    journal.close()  # as one that was killed: it leaves a large journal

    assert run(["cordon", "one", *words]) == 0
    assert capsys.readouterr().out == "Machine one cordoned\n"
    assert kinds(gets)[0] == begins

"""What happened as rows: short for people, exact for programs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sshfleet.model.event import JournalStarted
from sshfleet.render.happenings import Entry, Happening, Kind
from sshfleet.render.history import History, colour_of, history_row, took

AT = datetime(2026, 11, 23, 23, 30, 6, 123000, tzinfo=UTC)
ENTRY = Entry(AT, "core@laptop", "sshfleet start web", JournalStarted(""))
M1, M2 = "a" * 32, "b" * 32
SHA = "c" * 64
EAST = timezone(timedelta(hours=1))


def history(*, full: bool = False) -> History:
    return History(
        local=lambda at: at.astimezone(EAST),
        year=2026,
        called=lambda machine: "core-02" if machine == M2 else "",
        hash_of=lambda content: "0123456789" * 4 if content == SHA else "",
        full=full,
    )


def row(one: Happening, *, full: bool = False) -> dict[str, str]:
    return history_row(one, history(full=full))


def what(kind: str, **more: str | int) -> str:
    return row(Happening(entry=ENTRY, kind=kind, **more))["what"]  # type: ignore[arg-type]


def test_times_are_short_and_local_or_full_and_utc() -> None:
    one = Happening(entry=ENTRY, kind=Kind.CORDON)
    assert row(one)["when"] == "11-24 00:30:06"
    assert row(one, full=True)["when"] == row(one)["at"] == "2026-11-23T23:30:06.123Z"
    past = Happening(entry=ENTRY._replace(at=AT.replace(year=2025)), kind=Kind.CORDON)
    assert row(past)["when"] == "2025-11-24 00:30"


def test_who_is_the_user_or_in_full_user_and_host() -> None:
    one = Happening(entry=ENTRY, kind=Kind.CORDON)
    assert (row(one)["who"], row(one, full=True)["who"]) == ("core", "core@laptop")
    assert row(one)["command"] == "sshfleet start web"


def test_a_machine_has_its_name_of_then_or_of_now_or_the_beginning_of_its_id() -> None:
    then = Happening(entry=ENTRY, kind="start", machine=M2, name="old-02")
    now = Happening(entry=ENTRY, kind="start", machine=M2)
    nobody = Happening(entry=ENTRY, kind="start", machine=M1)
    assert [row(one)["machine"] for one in (then, now, nobody)] == ["old-02", "core-02", "a" * 8]
    assert [row(one, full=True)["machine"] for one in (then, nobody)] == [M2, M1]
    assert row(nobody)["name"] == ""


def test_a_move_names_both_machines() -> None:
    one = Happening(
        entry=ENTRY, kind=Kind.MOVE, machine=M2, left="core-01", before=M1, after=M2, reason="full"
    )
    assert row(one)["what"] == "moved core-01 → core-02: full"
    assert (row(one)["from"], row(one)["to"]) == ("core-01", "core-02")
    assert (row(one, full=True)["from"], row(one, full=True)["to"]) == (M1, M2)


def test_texts_are_told_by_fleets_hash_as_in_the_lists() -> None:
    one = Happening(entry=ENTRY, kind=Kind.TEXT, before="d" * 64, after=SHA)
    assert row(one)["what"] == "text 0123456"
    assert (row(one, full=True)["from"], row(one, full=True)["to"]) == ("", "0123456789" * 4)
    assert what(Kind.TEXT, after="d" * 64) == "text -"


@pytest.mark.parametrize(
    ("said", "kind", "more"),
    [
        ("wanted: inactive → launched", Kind.WANT, {"before": "inactive", "after": "launched"}),
        ("wanted: launched", Kind.WANT, {"after": "launched"}),
        ("placed: fewest units", Kind.PLACE, {"after": M1, "reason": "fewest units"}),
        ("to leave: cordoned", Kind.LEAVE, {"before": M1, "reason": "cordoned"}),
        ("seen to be gone", Kind.GONE, {}),
        ("seen at 10.0.0.1 → 10.0.0.2", Kind.SEE, {"before": "10.0.0.1", "after": "10.0.0.2"}),
        ("seen at 10.0.0.1", Kind.SEE, {"before": "10.0.0.1", "after": "10.0.0.1"}),
        ("cordoned", Kind.CORDON, {}),
        ("uncordoned", Kind.UNCORDON, {}),
        ("the journal begins", Kind.BEGIN, {"after": "1234"}),
        (
            "started in 0.4s, inactive → active: is to run",
            "start",
            {
                "result": "done",
                "before": "inactive",
                "after": "active",
                "ms": 400,
                "reason": "is to run",
            },
        ),
        ("installed", "install", {"result": "done"}),
        ("restarted in 1.0s", "restart", {"result": "done", "ms": 980, "before": "active",
            "after": "active"}),
        ("stop failed after 12s", "stop", {"result": "failed", "ms": 12_300}),
        ("remove unknown after 10s", "remove", {"result": "unknown", "ms": 10_001, "before": "x"}),
        ("bless", "bless", {"result": "done"}),
    ],
)  # fmt: skip
def test_what_happened_is_said_in_plain_words(
    said: str, kind: str, more: dict[str, str | int]
) -> None:
    assert what(kind, **more) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, ""),
        (1, "0.1s"),
        (949, "0.9s"),
        (9949, "9.9s"),
        (9950, "10s"),
        (119_000, "119s"),
        (125_000, "2min 5s"),
    ],
)
def test_durations_are_short(ms: int, said: str) -> None:
    assert took(ms) == said


def test_only_what_went_wrong_has_a_colour() -> None:
    assert colour_of("start failed after 0.9s, inactive → failed") == colour_of("failed") == "31"
    assert colour_of("stop unknown") == "33"
    for calm in ("started in 0.4s", "placed: failed elsewhere", "failed.service", "unknownable"):
        assert (calm, colour_of(calm)) == (calm, "")

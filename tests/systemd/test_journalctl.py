"""journalctl's output modes: when a line was, and how it is shown where its mode tells less."""

import json
from pathlib import Path

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import UnitName
from sshfleet.systemd.journalctl import Logs, journal_run, mode_of
from tests.systemd.scripts import ran

WEB = UnitName("web.service")
ODD = UnitName(r"dev-disk\x2dby.mount")
# What systemd 252 and 257 print with --output=short-iso-precise, of one entry with three lines.
OLD = b"2026-11-23T11:32:37.296841+0000 core-01 mm[1664]: first"
NEW = b"2026-11-03T01:02:03.000007+05:30 core-02 mm[1]: first"
MICROS = 1795433557296841


@pytest.mark.parametrize(
    ("output", "head", "told"),
    [
        ("short", OLD, b"Nov 23 11:32:37 core-01 mm[1664]: first"),
        ("short", NEW, b"Nov 03 01:02:03 core-02 mm[1]: first"),
        ("short-precise", OLD, b"Nov 23 11:32:37.296841 core-01 mm[1664]: first"),
        ("short-iso", OLD, b"2026-11-23T11:32:37+0000 core-01 mm[1664]: first"),
        ("short-iso", NEW, b"2026-11-03T01:02:03+05:30 core-02 mm[1]: first"),
        ("short-iso-precise", NEW, NEW),
        ("short-unix", OLD, b"1795433557.296841 core-01 mm[1664]: first"),
        ("short-unix", NEW, b"1793647923.000007 core-02 mm[1]: first"),
    ],
)
def test_a_time_is_shown_as_the_mode_shows_it(output: str, head: bytes, told: bytes) -> None:
    mode = mode_of(output)
    assert (mode.asked, mode.more) == ("short-iso-precise", "")
    assert mode.shown(head, head) == [told]


def test_lines_of_a_message_stay_below_each_other() -> None:
    mode = mode_of("short")
    second = b" " * OLD.index(b"first") + b"second"
    first, below = mode.shown(OLD, OLD)[0], mode.shown(OLD, second)[0]
    assert first.index(b"first") == below.index(b"second")
    assert mode.shown(OLD, b" odd") == [b" odd"]


@pytest.mark.parametrize(
    ("output", "line", "time"),
    [
        ("short", OLD, MICROS),
        ("short-full", b"Mon 2026-11-23 11:32:37 UTC core-01 mm[1]: x", MICROS // 10**6 * 10**6),
        ("with-unit", b"Mon 2026-11-23 11:32:37 CET core-01 mm[1]: x", None),
        ("json", b'{"A":"1","__REALTIME_TIMESTAMP":"1795433557296841"}', MICROS),
        ("json", b'{"MESSAGE":"\\"__REALTIME_TIMESTAMP\\":\\"1\\""}', None),
        ("json-pretty", b'\t"__REALTIME_TIMESTAMP" : "1795433557296841",', MICROS),
        ("cat", b'{"__REALTIME_TIMESTAMP":"1795433557296841","MESSAGE":"x"}', MICROS),
        ("verbose", b"Mon 2026-11-23 11:32:37.296841 UTC [s=36;t=10f447;x=2f]", 1111111),
        ("export", b"__REALTIME_TIMESTAMP=1795433557296841", MICROS),
        ("export", b"MESSAGE=__REALTIME_TIMESTAMP=1", None),
        ("short", b"2026-02-31T11:32:37.296841+0000 a b[1]: never", None),
        ("short", b"-- Boot d4e584e7ab37414dae506e826badb84f --", None),
        ("short-monotonic", b"[13258.069953] core-01 sh[641]: hi", None),
    ],
)  # fmt: skip
def test_when_a_line_was(output: str, line: bytes, time: int | None) -> None:
    assert mode_of(output).time(line) == time


@pytest.mark.parametrize(
    "line", [b"-- No entries --", b"2026-13-01T11:32:37.296841+0000 a b[1]: x"]
)
def test_a_line_without_a_time_is_shown_as_it_is(line: bytes) -> None:
    assert mode_of("short").shown(line, line) == [line]


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("one", [b"one"]),
        ("one\ntwo", [b"one", b"two"]),
        ("", [b""]),
        (list(b"\xff\xfeab"), [b"\xff\xfeab"]),
        (["one", list(b"\xff")], [b"one", b"\xff"]),
        (None, []),
        ({"no": "text"}, []),
        ([["deep"]], [b""]),
    ],
)
def test_the_message_is_taken_out_of_json(message: object, lines: list[bytes]) -> None:
    line = json.dumps({"MESSAGE": message}).encode()
    assert mode_of("cat").shown(line, line) == lines


@pytest.mark.parametrize("line", [b"Unknown", b"[" * 100_000, b"[1]", b"{"])
def test_what_is_no_entry_is_never_a_crash(line: bytes) -> None:
    assert mode_of("cat").shown(line, line) in ([line], [])


@pytest.mark.parametrize(
    ("logs", "more", "options"),
    [
        (Logs(), "", ["--lines=10", "--output=short"]),
        (
            Logs(lines=25, follow=True, output="json-pretty"),
            "",
            ["--lines=25", "--output=json-pretty", "--follow"],
        ),
        (Logs(output="with-unit"), "utc", ["--lines=10", "--output=with-unit", "--utc"]),
        (
            Logs(lines=0, output="json"),
            "message",
            ["--lines=0", "--output=json", "--all", "--output-fields=MESSAGE"],
        ),
    ],
)
def test_journalctl_gets_its_options_and_its_code_is_passed_on(
    tmp_path: Path, logs: Logs, more: str, options: list[str]
) -> None:
    run = journal_run(ODD, logs, more)
    assert run.root
    assert ran(run, tmp_path, "journalctl", 1) == (["--no-pager", f"--unit={ODD}", *options], 1)


@pytest.mark.parametrize("wrong", [Logs(lines=-1), Logs(output="a b"), Logs(output="-x")])
def test_what_is_no_mode_is_refused(wrong: Logs) -> None:
    with pytest.raises(ValueError, match="Logs"):
        journal_run(WEB, wrong)


def test_a_name_that_is_none_does_not_leave() -> None:
    with pytest.raises(UnitFileError):
        journal_run(UnitName("a b.service"), Logs())

"""A stderr that says each thing once for as long as it lasts."""

import io

import pytest

from sshfleet.cli.news import News

SILENT = "error: m1 cannot be reached: web.service\nhint: wait\n"
OTHER = "error: m2 cannot be reached: api.service\nhint: wait\n"
NOWHERE = "error: web.service cannot run on any of 2 machines\n  m1  {}\nhint: free one\n"

Turns = list[str]


def told(turns: Turns) -> list[str]:
    """Return what came through, turn by turn."""
    out = io.StringIO()
    news, lines = News(out), []
    for said in turns:
        before = len(out.getvalue())
        news.write(said)
        news.turn_ended()
        lines.append(out.getvalue()[before:])
    return lines


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([SILENT, SILENT, SILENT], [SILENT, "", ""]),
        ([SILENT, "", SILENT], [SILENT, "", SILENT]),
        ([SILENT, SILENT + OTHER, OTHER], [SILENT, OTHER, ""]),
        ([SILENT + OTHER, OTHER + SILENT], [SILENT + OTHER, ""]),
        (["a note\n", "a note\n"], ["a note\n", ""]),
        (["no end", "no end"], ["no end\n", ""]),
    ],
)
def test_what_the_turn_before_said_is_not_said_again(turns: Turns, expected: Turns) -> None:
    assert told(turns) == expected


def test_a_changed_reason_is_told_below_the_line_it_belongs_to() -> None:
    first, second = NOWHERE.format("cordoned"), NOWHERE.format("no disk=ssd")
    head, reason, _ = second.splitlines(keepends=True)
    assert told([first, second, second]) == [first, head + reason, ""]


def test_a_turn_that_was_skipped_leaves_what_is_known_as_it_is() -> None:
    out = io.StringIO()
    news = News(out)
    for said, skipped in [(SILENT, False), ("skipped\n", True), (SILENT, False), ("", False)]:
        news.write(said)
        news.turn_ended(skipped=skipped)
    assert out.getvalue() == SILENT + "skipped\n"


def test_a_line_comes_through_as_soon_as_it_is_whole() -> None:
    out = io.StringIO()
    news = News(out)
    news.write("stopping: ")
    news.write("waiting\nfor")
    assert out.getvalue() == "stopping: waiting\n"

"""Unit files are read as systemd reads them; what it would skip is an error with its line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sshfleet.errors import UnitFileError
from sshfleet.unitfile.syntax import UnitText, parse, shown

FRAGMENTS = (
    *("[Unit]", "[Service]", "[X-Fleet]", "[", "]", "=", "\\", '"', "#", ";", "\n", "\r", "\r\n"),
    *(" ", "\t", "\ufeff", "\0", "é", "\x1b", "\ud800", "ExecStart=/bin/true", "Conflicts=a*"),
)
unit_like = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


def pairs(parsed: UnitText) -> list[tuple[str, str, str]]:
    return [(option.section, option.name, option.value) for option in parsed.options]


def outcome_of(text: str) -> UnitText | UnitFileError:
    try:
        return parse(text, "x.service")
    except UnitFileError as error:
        return error


def refused(text: str) -> UnitFileError:
    with pytest.raises(UnitFileError) as caught:
        parse(text, "x.service")
    assert caught.value.hint
    return caught.value


def test_options_keep_their_order_their_section_and_their_line() -> None:
    text = (
        "# top\n[Unit]\nDescription = a  b \n\n[Service]\nExecStart=/a\n ; note\nExecStart=/b=c\n"
    )
    parsed = parse(text, "x.service")
    assert pairs(parsed) == [
        ("Unit", "Description", "a  b"),
        ("Service", "ExecStart", "/a"),
        ("Service", "ExecStart", "/b=c"),
    ]
    assert [option.line for option in parsed.options] == [3, 6, 8]
    assert [(header.name, header.line) for header in parsed.headers] == [
        ("Unit", 2),
        ("Service", 5),
    ]
    assert parsed.of("Unit") == parsed.options[:1]


def test_an_empty_value_is_an_option_and_an_empty_section_is_a_header() -> None:
    parsed = parse("[Install]\n[Service]\nExecStart=\n", "x.service")
    assert pairs(parsed) == [("Service", "ExecStart", "")]
    assert [header.name for header in parsed.headers] == ["Install", "Service"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\r"])
def test_every_line_end_that_systemd_knows_ends_a_line(end: str) -> None:
    parsed = parse(end.join(["[Service]", "A=1 \\", "  2", "B=3", ""]), "x.service")
    assert pairs(parsed) == [("Service", "A", "1    2"), ("Service", "B", "3")]
    assert [option.line for option in parsed.options] == [2, 4]


def test_other_things_python_calls_a_line_end_do_not_end_a_line() -> None:
    parsed = parse("[Service]\nA=1\x0b2\x0c3\x1c4\x854\u2028B=5", "x.service")
    assert pairs(parsed) == [("Service", "A", "1\x0b2\x0c3\x1c4\x854\u2028B=5")]


def test_a_leading_byte_order_mark_is_tolerated_and_a_second_is_not() -> None:
    assert pairs(parse("\ufeff[Unit]\nA=1", "x.service")) == [("Unit", "A", "1")]
    assert refused("\ufeff\ufeff[Unit]\nA=1").place == "x.service:1"


def test_a_backslash_joins_lines_and_comments_between_them_are_left_out() -> None:
    text = "[Service]\nExecStart=/a \\\n# one\n  ; two \\\n -b \\\n-c\nX=1\n"
    parsed = parse(text, "x.service")
    assert pairs(parsed) == [("Service", "ExecStart", "/a   -b  -c"), ("Service", "X", "1")]
    assert parsed.options[0].written == "/a \\\n# one\n  ; two \\\n -b \\\n-c"
    assert [option.line for option in parsed.options] == [2, 7]


@pytest.mark.parametrize("rest", ["", "\n", "\n\nB=2", "\n \t\nB=2", "\n# note", "\n# note\n\nB=2"])
def test_a_blank_line_and_the_end_of_the_file_end_a_continuation(rest: str) -> None:
    parsed = parse("[Service]\nA=1 \\" + rest, "x.service")
    assert parsed.options[0].value == "1"
    assert [option.name for option in parsed.options] == (["A", "B"] if "B" in rest else ["A"])


def test_an_escaped_backslash_and_one_before_a_blank_join_nothing() -> None:
    parsed = parse("[Service]\nA=1\\\\\nB=2\\ \nC=3", "x.service")
    assert pairs(parsed) == [
        ("Service", "A", "1\\\\"),
        ("Service", "B", "2\\"),
        ("Service", "C", "3"),
    ]


def test_a_backslash_does_not_make_a_comment_longer() -> None:
    assert pairs(parse("[Service]\n# a \\\nB=2", "x.service")) == [("Service", "B", "2")]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("A=1\n", 1, "before the first section"),
        ("\n# note\njunk\n[Unit]\n", 3, "before the first section"),
        ("[Unit]\n\nDescription\n", 3, "has no '='"),
        ("[Unit]\nDescri\\\nption=1\n", 2, "has no '='"),
        ("[Unit]\n = 1\n", 2, "no name before the '='"),
        ("[Unit\nA=1\n", 1, "does not end in ']'"),
        ("[\nA=1\n", 1, "does not end in ']'"),
        ("[Unit] # note\n", 1, "does not end in ']'"),
        ("[Unit]\n[Service]\\\nA=1\n", 2, "does not end in ']'"),
        ("[]\nA=1\n", 1, "is not a section header"),
        ("[Unit ]\nA=1\n", 1, "is not a section header"),
        ("[Un\x1b]\nA=1\n", 1, "is not a section header"),
        ("[[Unit]]\nA=1\n", 1, "is not a section header"),
    ],
)
def test_what_systemd_would_skip_is_refused_with_its_line(
    text: str, line: int, message: str
) -> None:
    error = refused(text)
    assert message in error.message
    assert error.place == f"x.service:{line}"


def test_a_message_shows_control_characters_escaped_and_stays_short() -> None:
    message = refused("[Unit]\n\x1b[31mé" + "x" * 10_000).message
    assert message.startswith("'\\x1b[31méxxx")
    assert len(message) < 100
    assert shown("\u202e\ud800") == "\\u202e\\ud800"


@given(st.text() | unit_like | unit_like.map("[Service]\n".__add__))
@example("[Service]\nA=\\")
@example("[X]\n\\")
def test_any_text_is_read_or_refused(text: str) -> None:
    outcome = outcome_of(text)
    if isinstance(outcome, UnitFileError):
        assert outcome.place.startswith("x.service:")
        assert outcome.message.isprintable()
    else:
        lines = [option.line for option in outcome.options]
        assert lines == sorted(set(lines))

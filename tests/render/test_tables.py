"""Tables are aligned, never cut, the same in a pipe and on a terminal."""

import re

import pytest

from sshfleet.errors import UsageError
from sshfleet.render.fields import chosen
from sshfleet.render.tables import table, width

ROWS = [
    {"unit": "hello.service", "machine": "3547a4df.../172.17.8.103", "active": "active"},
    {"unit": "a.timer", "machine": "", "active": "failed"},
]
FIELDS = ("unit", "machine", "active")


def test_columns_are_aligned_with_blanks_and_missing_cells_are_a_dash() -> None:
    assert table(ROWS, FIELDS) == (
        "UNIT           MACHINE                   ACTIVE\n"
        "hello.service  3547a4df.../172.17.8.103  active\n"
        "a.timer        -                         failed\n"
    )


def test_without_a_legend_only_rows_are_left() -> None:
    assert table(ROWS, ("unit",), legend=False) == "hello.service\na.timer\n"


def test_an_empty_list_is_its_legend() -> None:
    assert table([], FIELDS) == "UNIT  MACHINE  ACTIVE\n"
    assert table([], FIELDS, legend=False) == ""


def test_colour_adds_nothing_but_colour() -> None:
    painted = table(ROWS, FIELDS, colour=True)
    assert "\x1b[32mactive\x1b[0m" in painted
    assert re.sub(r"\x1b\[\d+m", "", painted) == table(ROWS, FIELDS)


def test_a_machine_cannot_break_the_table() -> None:
    rows = [{"unit": "x\n\x1b[2Jy", "machine": "m", "active": "a"}]
    assert table(rows, FIELDS, legend=False) == "x\\n\\x1b[2Jy  m  a\n"


def test_wide_characters_count_double_and_accents_nothing() -> None:
    assert width("日本") == 4
    assert width("e\u0301") == 1


def test_fields_keep_their_order_and_may_repeat() -> None:
    assert chosen("list-units", "sub,unit,sub") == ("sub", "unit", "sub")
    assert chosen("list-units", None) == ("unit", "machine", "active", "sub")


def test_a_wrong_field_is_named_with_the_closest_and_all_valid_ones() -> None:
    with pytest.raises(UsageError) as caught:
        chosen("list-units", "unit,actve")
    assert caught.value.message == 'Invalid key in output format: "actve"'
    assert "did you mean active?" in caught.value.hint
    assert "hash" in caught.value.hint


def test_no_field_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="Must define output format"):
        chosen("list-units", "")

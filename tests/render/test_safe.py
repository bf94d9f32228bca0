"""No byte of a machine moves the cursor."""

import json

from hypothesis import given
from hypothesis import strategies as st

from sshfleet.render.safe import safe, safe_bytes, safe_json, safe_line


def test_escape_sequences_are_shown_as_text() -> None:
    assert safe("\x1b]8;;http://x\x07a\x1b[2J") == "\\x1b]8;;http://x\\x07a\\x1b[2J"


def test_bidirectional_overrides_and_c1_are_shown() -> None:
    assert safe("a\u202eb\x9bc\ufeff") == "a\\u202eb\\x9bc\\ufeff"


def test_lone_surrogates_can_be_printed() -> None:
    assert safe("\ud800").encode() == b"\\ud800"


def test_bytes_that_are_not_utf8_are_shown_as_hex() -> None:
    assert safe_bytes(b"ok \xff\r\n") == "ok \\xff\n"


def test_one_line_stays_one_line_and_is_cut() -> None:
    assert safe_line(" a\nb\tc ") == "a\\nb\\tc"
    assert safe_line("x" * 600) == "x" * 499 + "…"


@given(st.text())
def test_nothing_below_a_blank_is_left_but_newline_and_tab(text: str) -> None:
    shown = safe(text)
    assert all(char in "\n\t" or (char >= " " and not "\x7f" <= char <= "\x9f") for char in shown)
    assert safe(shown) == shown


@given(st.binary())
def test_any_bytes_can_be_shown_and_printed(data: bytes) -> None:
    safe_bytes(data).encode("utf-8")


def test_json_from_a_machine_stays_json() -> None:
    text = "\x1b[31m \x85 \u202e tick\u2028"
    line = json.dumps({"MESSAGE": text}, ensure_ascii=False).replace("\\u001b", "\x1b").encode()
    assert b"\x1b" in line
    shown = safe_json(line)
    assert json.loads(shown) == {"MESSAGE": text}
    assert shown.isascii()
    assert safe_json(b'\x1e{"a":"\xff"}') == '\x1e{"a":"\\xff"}'

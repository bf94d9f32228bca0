"""fleet's normal form and hash; the vectors are fleet's own."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sshfleet.errors import UnitFileError
from sshfleet.unitfile.normal import fleet_hash, normal_form
from sshfleet.unitfile.syntax import UnitText, parse

SERVICE = "[Service]\nExecStart=/usr/bin/sleep "
LINES = (
    "[A]",
    "[B]",
    "k=v",
    "k = v \\",
    " more \\",
    "end",
    "k=x\\ ",
    "k=\\\\",
    "# c",
    "; c \\",
    " ",
)
lines_of_a_unit = st.lists(st.sampled_from(LINES), max_size=10).map(
    lambda lines: "\n".join(["[S]", *lines])
)


def read(text: str) -> UnitText:
    return parse(text, "x.service")


def options(parsed: UnitText) -> list[tuple[str, str, str]]:
    return sorted((option.section, option.name, option.value) for option in parsed.options)


@pytest.mark.parametrize(
    ("text", "sha1"),
    [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("[Service]\nExecStart=/bin/sleep 100\n", "1c6fb6f3684bafb0c173d8b8b957ceff031180c1"),
        (SERVICE + "infinity\n", "40ea6646945809f4b420a50475ee68503088f127"),
        ("\n" + SERVICE + "infinity", "40ea6646945809f4b420a50475ee68503088f127"),
        (SERVICE + "10\n", "5bf16b98c62f35fcdc723d32989cdeba7a2dd2a8"),
        (SERVICE + "2000\n", "5ba5292ab6a82b623ee6086dc90b3354ba004832"),
        ("[Unit]\nDescription=some description\n", "a0f275d46bc6ee0eca06be7c339913c07d99c0c7"),
    ],
)
def test_hashes_are_the_ones_fleet_shows(text: str, sha1: str) -> None:
    assert fleet_hash(read(text)) == sha1


def test_sections_are_merged_in_order_and_comments_blanks_and_empty_sections_are_lost() -> None:
    text = "# c\n[B]\n k =  1 \n\n[Empty]\n[A]\nk=2\n; c\n[B]\nk=3\n[Install]"
    assert normal_form(read(text)) == "[B]\nk=1\nk=3\n\n[A]\nk=2\n"


def test_a_continuation_is_kept_as_fleet_kept_it() -> None:
    assert normal_form(read("[S]\nk=a \\\n   b \nl=c \\\n \t\n")) == "[S]\nk=a \\\n   b\nl=c \\\n\n"


@given(lines_of_a_unit)
@example("[S]\nk=a\\ \nl=b")
@example("[S]\nk=a\\")
@example("[A]\nk=1\n[B]\nk=2\n[A]\nl=3 \\\n# c")
def test_the_normal_form_of_a_normal_form_is_itself_and_means_the_same(text: str) -> None:
    try:
        parsed = read(text)
    except UnitFileError:
        return
    once = normal_form(parsed)
    again = read(once)
    assert normal_form(again) == once
    assert options(again) == options(parsed)

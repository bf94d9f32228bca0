"""Lines out of chunks."""

from hypothesis import given
from hypothesis import strategies as st

from sshfleet.systemd.lines import LONGEST, Lines


@given(st.lists(st.lists(st.sampled_from([b"a", b"\n", b"\r"]), max_size=6).map(b"".join)))
def test_lines_are_those_of_the_whole_however_it_is_cut(chunks: list[bytes]) -> None:
    lines = Lines()
    found = [line for chunk in chunks for line in lines.take(chunk)] + lines.rest()
    *whole, rest = b"".join(chunks).split(b"\n")
    assert found == whole + ([rest] if rest else [])
    assert lines.rest() == []


def test_a_line_without_an_end_is_handed_on_in_pieces() -> None:
    lines = Lines()
    piece = b"x" * (LONGEST // 4)
    found = [line for _ in range(9) for line in lines.take(piece)]
    assert [len(line) for line in found] == [5 * len(piece)]
    assert lines.rest() == [piece * 4]

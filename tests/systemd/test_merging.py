"""Journals of several machines as one."""

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sshfleet.systemd.journalctl import mode_of
from sshfleet.systemd.merging import Merge

HOLD = 0.5
Lines = list[tuple[str, bytes]]


def at(second: int, text: str = "") -> bytes:
    """Make a line of short-iso-precise; also a time before others may come late."""
    clock = b"%02d:%02d:%02d" % (second // 3600, second // 60 % 60, second % 60)
    return b"2026-11-23T" + clock + b".000000+0000 host x: " + text.encode()


def merge(*machines: str, output: str = "short-iso-precise", hold: float = math.inf) -> Merge:
    return Merge(machines, mode_of(output), hold)


def told(merged: Merge, now: float = 0.0) -> Lines:
    return list(merged.ready(now))


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_all_lines_come_in_the_order_of_time_and_of_their_machine(
    times: Sequence[list[int]], random: "object"
) -> None:
    times = [sorted(one) for one in times]
    machines = [f"m{number}" for number in range(len(times))]
    left = {
        name: b"".join(at(time, f"{name} {number}") + b"\n" for number, time in enumerate(each))
        for name, each in zip(machines, times, strict=True)
    }
    merged, shown = merge(*machines), []
    while left:
        name = random.choice(sorted(left))  # type: ignore[attr-defined]
        cut = random.randint(0, 60)  # type: ignore[attr-defined]
        chunk, left[name] = left[name][:cut], left[name][cut:]
        merged.take(name, chunk, 0.0)
        if not left[name]:
            merged.end(name, 0.0)
            del left[name]
        shown += told(merged)

    assert len(shown) == sum(map(len, times))
    assert [line[:26] for _, line in shown] == sorted(line[:26] for _, line in shown)
    for name, each in zip(machines, times, strict=True):
        own = [line for machine, line in shown if machine == name]
        assert own == [at(time, f"{name} {number}") for number, time in enumerate(each)]


def test_nothing_is_shown_while_a_machine_may_still_have_something_earlier() -> None:
    merged = merge("a", "b")
    merged.take("a", at(5) + b"\n", 0.0)
    assert told(merged, 1e9) == []
    merged.take("b", at(3) + b"\n", 0.0)
    assert told(merged) == [("b", at(3))]
    merged.end("b", 0.0)
    assert told(merged) == [("a", at(5))]


def test_a_line_that_is_followed_waits_no_longer_than_the_hold() -> None:
    merged = merge("a", "b", "c", hold=HOLD)
    merged.take("a", at(5) + b"\n", 10.0)
    merged.take("b", at(4) + b"\n", 10.3)
    assert told(merged, 10.4) == []
    assert told(merged, 10.5) == [("b", at(4)), ("a", at(5))]


def test_lines_of_one_machine_keep_their_order_though_its_clock_was_set_back() -> None:
    merged = merge("a", "b")
    merged.take("a", at(9, "first") + b"\n" + at(1, "second") + b"\n", 0.0)
    merged.take("b", at(5) + b"\n", 0.0)
    for machine in ("a", "b"):
        merged.end(machine, 0.0)
    assert told(merged) == [("b", at(5)), ("a", at(9, "first")), ("a", at(1, "second"))]


def test_lines_of_one_message_stay_together() -> None:
    merged = merge("a", "b")
    merged.take("a", at(1, "one") + b"\n     two\n", 0.0)
    merged.take("b", at(1) + b"\n" + at(2) + b"\n", 0.0)
    assert told(merged)[:2] == [("a", at(1, "one")), ("a", b"     two")]


def test_a_line_of_a_message_that_comes_late_is_still_shown_as_its_mode_shows_it() -> None:
    merged = merge("a", "b", output="short", hold=HOLD)
    merged.take("a", at(1, "one") + b"\n", 0.0)
    assert told(merged, 1.0) == [("a", b"Nov 23 00:00:01 host x: one")]
    merged.take("a", b" " * at(1).index(b"host") + b"two\n", 1.0)
    merged.take("b", at(1) + b"\n", 1.0)
    assert told(merged, 2.0)[0] == ("a", b" " * len("Nov 23 00:00:01 ") + b"two")


def test_of_entries_of_one_time_the_machine_that_was_speaking_goes_on() -> None:
    merged = merge("a", "b", hold=HOLD)
    merged.take("b", at(1, "one") + b"\n", 0.0)
    assert told(merged, 1.0) == [("b", at(1, "one"))]
    merged.take("b", b"     two\n", 1.0)
    merged.take("a", at(1) + b"\n", 1.0)
    assert told(merged, 2.0) == [("b", b"     two"), ("a", at(1))]


def pretty(second: int) -> bytes:
    return b'{\n\t"MESSAGE" : "}",\n\t"__REALTIME_TIMESTAMP" : "%d"\n}\n' % second


def test_what_belongs_together_is_never_shown_in_parts() -> None:
    merged = merge("a", "b", output="json-pretty", hold=HOLD)
    merged.take("a", pretty(2)[:20], 0.0)
    assert told(merged, 99.0) == []
    merged.take("b", pretty(1), 0.0)
    merged.take("a", pretty(2)[20:], 99.0)
    shown = told(merged, 199.0)
    assert b"\n".join(line for _, line in shown) + b"\n" == pretty(1) + pretty(2)
    assert [name for name, _ in shown] == ["b"] * 4 + ["a"] * 4


def test_an_entry_cut_short_by_the_end_is_shown() -> None:
    merged = merge("a", "b", output="export")
    merged.take("a", b"__CURSOR=1\n__REALTIME_TIMESTAMP=5\nMESS", 0.0)
    for machine in ("a", "b"):
        merged.end(machine, 0.0)
    assert [line for _, line in told(merged)] == [
        b"__CURSOR=1", b"__REALTIME_TIMESTAMP=5", b"MESS",
    ]  # fmt: skip


def test_without_a_time_it_goes_machine_after_machine() -> None:
    merged = merge("b", "a", output="short-monotonic")
    merged.take("a", b"[  1.0] x\n[  2.0] x\n", 0.0)
    merged.take("b", b"[  9.0] x\n[ 10.0] x\n", 0.0)
    for machine in ("a", "b"):
        merged.end(machine, 0.0)
    assert [name for name, _ in told(merged)] == ["b", "b", "a", "a"]

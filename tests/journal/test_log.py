import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.errors import JournalCorrupt, JournalError
from sshfleet.journal.record import encode
from sshfleet.journal.snapshot import Snapshot
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event
from tests.journal.lines import STORY, lines, scan
from tests.journal.strategies import STAMP, runs
from tests.journal.test_record import line_of

PATH = Path("/state/journal.jsonl")
LINES = lines(STORY)
WHOLE = b"".join(LINES)
ENDS = [len(b"".join(LINES[:count])) for count in range(len(LINES) + 1)]


def events_in(data: bytes) -> list[Event | Snapshot]:
    return [record.event for record in scan(data, PATH).records]


def test_an_empty_journal_has_no_records_and_no_tail() -> None:
    log = scan(b"", PATH)
    assert (log.records, log.size, log.torn) == ([], 0, b"")


SAMPLES = {
    "events": lines(STORY[:4]),
    "snapshot": lines([Snapshot(fold(DesiredState(), STORY[:6])), *STORY[5:]], seq=6),
}


def line_at(position: int, sample: list[bytes]) -> int:
    """Return the number of the line that a byte is in."""
    ends = [len(b"".join(sample[:count])) for count in range(len(sample) + 1)]
    return max(index for index, end in enumerate(ends) if end <= position) + 1


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_cut_at_any_byte_the_whole_lines_are_recovered_and_nothing_else(
    sample: list[bytes],
) -> None:
    whole = b"".join(sample)
    events = [record.event for record in scan(whole, PATH).records]
    for cut in range(len(whole) + 1):
        kept = line_at(cut, sample) - 1
        if kept == 0 and cut > 0:
            with pytest.raises(JournalCorrupt) as caught:
                scan(whole[:cut], PATH)
            assert caught.value.place == f"{PATH}:1"
            continue
        log = scan(whole[:cut], PATH, part=cut % 700 + 1)
        assert [record.event for record in log.records] == events[:kept]
        assert log.torn == whole[log.size : cut]
        assert whole[: log.size] == b"".join(sample[:kept])


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_any_flipped_bit_is_refused_with_its_line_or_costs_the_last_line_only(
    sample: list[bytes],
) -> None:
    whole = b"".join(sample)
    events = [record.event for record in scan(whole, PATH).records]
    for position in range(len(whole)):
        line = line_at(position, sample)
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            if line == len(sample):
                assert events_in(bytes(damaged)) == events[:-1]
                continue
            with pytest.raises(JournalCorrupt) as caught:
                scan(bytes(damaged), PATH)
            assert caught.value.place == f"{PATH}:{line}"


@given(runs, st.data())
def test_what_remains_of_any_journal_after_a_cut_can_be_folded(
    events: list[Event], data: st.DataObject
) -> None:
    written = lines(events)
    whole = b"".join(written)
    cut = data.draw(st.integers(len(written[0]), len(whole)))
    recovered = events_in(whole[:cut])
    assert recovered == events[: len(recovered)]
    fold(DesiredState(), events[: len(recovered)])


@pytest.mark.parametrize(
    "tail",
    [b"\x00" * 4096, b"garbage", b"garbage\nand more\n", b"\n", b"\n\n", b'{"at":"', b"{}\n"],
)
def test_an_end_that_nothing_whole_follows_is_a_torn_tail(tail: bytes) -> None:
    log = scan(WHOLE + tail, PATH)
    assert len(log.records) == len(STORY)
    assert log.torn == tail
    assert f"line {len(STORY) + 1}" in log.note


@pytest.mark.parametrize("index", range(1, len(LINES) - 1))
def test_a_line_taken_out_is_noticed(index: int) -> None:
    with pytest.raises(JournalCorrupt, match="does not follow") as caught:
        scan(b"".join(LINES[:index] + LINES[index + 1 :]), PATH)
    assert caught.value.place == f"{PATH}:{index + 1}"


@pytest.mark.parametrize(
    "mixed",
    [
        [*LINES, LINES[-1]],
        [LINES[0], LINES[2], LINES[1], *LINES[3:]],
        [*LINES[:3], *lines(STORY[3:], seq=3, prev="f" * 64)],
        [*LINES, encode(STORY[1], STAMP, seq=9, prev=json.loads(LINES[-1])["sum"])[0]],
    ],
)
def test_whole_lines_that_do_not_form_a_chain_are_refused_at_the_end_too(
    mixed: list[bytes],
) -> None:
    with pytest.raises(JournalCorrupt, match="does not follow"):
        scan(b"".join(mixed), PATH)


def test_a_journal_without_its_first_lines_is_refused() -> None:
    with pytest.raises(JournalCorrupt, match="records before this one"):
        scan(b"".join(LINES[2:]), PATH)


def test_a_newline_that_was_lost_between_the_last_two_lines_is_damage() -> None:
    damaged = b"".join(LINES[:-2]) + LINES[-2].replace(b"\n", b"J") + LINES[-1]
    with pytest.raises(JournalCorrupt) as caught:
        scan(damaged, PATH)
    assert caught.value.place == f"{PATH}:{len(LINES) - 1}"


@pytest.mark.parametrize("other", [b"hello\n", b"hello", b"{}", b"\x00", b"\n", b"[1, 2]\n"])
def test_a_file_that_never_was_a_journal_is_refused(other: bytes) -> None:
    with pytest.raises(JournalCorrupt, match="not a journal") as caught:
        scan(other, PATH)
    assert "--journal" in caught.value.hint


def test_damage_in_the_only_line_is_not_a_torn_tail() -> None:
    with pytest.raises(JournalCorrupt, match="damaged"):
        scan(LINES[0].replace(b"core", b"cure"), PATH)


def test_damage_tells_its_place_and_the_verb_that_mends_it() -> None:
    damaged = WHOLE.replace(b"fewest", b"FEWEST")
    with pytest.raises(JournalCorrupt) as caught:
        scan(damaged, Path("/my state/journal.jsonl"))
    assert caught.value.place == "/my state/journal.jsonl:6"
    assert "sshfleet journal-repair" in caught.value.hint


@pytest.mark.parametrize("change", [{"v": 2}, {"event": {"type": "unit-blessed"}}, {"more": 1}])
def test_a_last_line_of_a_newer_program_is_never_cut_off(change: dict[str, object]) -> None:
    data = WHOLE[: ENDS[-2]] + line_of({**json.loads(LINES[-1]), **change}) + b"\n"
    with pytest.raises(JournalError, match="written by a newer sshfleet") as caught:
        scan(data, PATH)
    assert not isinstance(caught.value, JournalCorrupt)
    assert caught.value.exit_code == 74
    assert caught.value.place == f"{PATH}:{len(LINES)}"


def test_a_whole_record_that_is_malformed_is_damage() -> None:
    data = WHOLE[: ENDS[-2]] + line_of({**json.loads(LINES[-1]), "by": 1}) + b"\n"
    with pytest.raises(JournalCorrupt, match="damaged"):
        scan(data, PATH)


def test_a_snapshot_may_only_be_the_first_line() -> None:
    snapshot = Snapshot(fold(DesiredState(), STORY))
    [first] = lines([snapshot], seq=41, prev="e" * 64)
    after = lines(STORY[1:3], seq=42, prev=json.loads(first)["sum"])
    assert events_in(first + b"".join(after)) == [snapshot, *STORY[1:3]]
    [late] = lines([snapshot], seq=len(LINES), prev=json.loads(LINES[-1])["sum"])
    with pytest.raises(JournalCorrupt, match="only the first line"):
        scan(WHOLE + late, PATH)


def scattered(hole: bytes, *, together: bool) -> bytes:
    """Return a journal of which a later line is whole and an earlier one has a hole."""
    acknowledged = lines(STORY[:2])
    prev = json.loads(acknowledged[-1])["sum"]
    first, second, *rest = lines(STORY[2:6], seq=2, prev=prev, together=together)
    middle = len(second) // 2
    second = second[:middle] + hole + second[middle + len(hole) :]
    return b"".join([*acknowledged, first, second, *rest])


def test_a_write_that_lost_a_sector_in_its_midst_is_torn_there() -> None:
    data = scattered(bytes(60), together=True)
    log = scan(data, PATH)
    assert [record.event for record in log.records] == list(STORY[:2])
    assert log.torn == data[log.size :]


def test_records_that_were_written_together_count_together_or_not_at_all() -> None:
    acknowledged = lines(STORY[:2])
    prev = json.loads(acknowledged[-1])["sum"]
    whole = b"".join([*acknowledged, *lines(STORY[2:6], seq=2, prev=prev, together=True)])
    size = len(b"".join(acknowledged))
    for cut in range(size, len(whole)):
        log = scan(whole[:cut], PATH, part=cut % 700 + 1)
        assert [record.event for record in log.records] == list(STORY[:2])
        assert (log.size, log.torn) == (size, whole[size:cut])
    assert len(scan(whole, PATH).records) == 6


def test_a_write_that_another_one_stands_in_is_damage() -> None:
    one, two, three = lines(STORY[:3], together=True)
    acknowledged = lines(STORY[:2])
    prev = json.loads(acknowledged[-1])["sum"]
    begun = lines(STORY[2:5], seq=2, prev=prev, together=True)[0]
    alone = lines(STORY[3:4], seq=3, prev=json.loads(begun)["sum"])
    with pytest.raises(JournalCorrupt, match="in the midst of another write"):
        scan(b"".join([*acknowledged, begun, *alone]), PATH)
    with pytest.raises(JournalCorrupt) as caught:
        scan(one + two, PATH)
    assert caught.value.place == f"{PATH}:3"
    assert len(scan(one + two + three, PATH).records) == 3


def test_what_zeros_did_not_take_or_what_was_written_later_is_no_torn_end() -> None:
    for data in (scattered(b"x" * 60, together=True), scattered(bytes(60), together=False)):
        with pytest.raises(JournalCorrupt) as caught:
            scan(data, PATH)
        assert caught.value.place == f"{PATH}:4"

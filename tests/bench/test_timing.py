import pytest

from bench.timing import Result, Row, Sample, by_task, results, rotated

ROW = Row(10, "20 ms", "status")


def sample(seconds: float, contestant: str = "clush", wrong: str = "", row: Row = ROW) -> Sample:
    return Sample(row=row, contestant=contestant, turn=1, seconds=seconds, wrong=wrong)


def test_the_result_is_the_median_of_what_was_done() -> None:
    found = results([sample(3), sample(1), sample(2), sample(0.1, wrong="exit code 1")])
    assert found == {ROW: {"clush": Result(2, tries=4, failures=1)}}


def test_who_never_did_it_has_no_time_and_no_ratio() -> None:
    found = results([sample(1, wrong="exit code 1"), sample(2, "floor")])[ROW]
    assert found["clush"] == Result(None, tries=1, failures=1)
    assert found["clush"].ratio(found["floor"]) is None
    assert found["floor"].ratio(found["clush"]) is None


def test_a_ratio_is_the_time_in_units_of_the_other() -> None:
    assert Result(3, 1, 0).ratio(Result(2, 1, 0)) == pytest.approx(1.5)
    assert Result(3, 1, 0).ratio(None) is None


def test_rows_are_kept_apart() -> None:
    other = Row(10, "100 ms", "status")
    found = results([sample(1), sample(2, row=other)])
    assert [row for row in found if found[row]["clush"].seconds == 2] == [other]


def test_rows_are_told_task_by_task_in_their_order() -> None:
    rows = [Row(4, place, task) for place in ("20 ms", "0 ms") for task in ("status", "deploy")]
    assert [*by_task(rows)] == [rows[0], rows[2], rows[1], rows[3]]


def test_each_contestant_begins_a_round_once() -> None:
    names = ["a", "b", "c"]
    assert [rotated(names, turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]
    assert rotated(names, 1) == ["b", "c", "a"]
    assert rotated([], 1) == []

from hypothesis import given
from hypothesis import strategies as st

from sshfleet.model.owner import Owner, Signature, later_marks, may_work, number_of, owner_in, whose

MARKS = st.integers(0, 40).map(lambda number: f"{number}-{number:016x}")


def mark(number: int, who: str = "a") -> str:
    return f"{number}-{who * 16}"


def owner(number: int, who: str = "a", lineage: str = "ours") -> Owner:
    return Owner(lineage=lineage, mark=mark(number, who), by="core@laptop", at="2026-11-23")


@given(st.builds(Signature, *[st.text(max_size=30)] * 3))
def test_an_owner_is_read_back_as_it_was_written_in_one_plain_line(signature: Signature) -> None:
    written = Owner.signed("0af3", mark(7), signature)
    assert owner_in(written.line()) == written
    assert written.line().isascii()
    assert written.line().isprintable()
    assert written.is_of(signature)
    assert not written.is_of(signature._replace(journal=signature.journal + "x"))
    assert not written.is_of(signature._replace(by=signature.by + "x"))


def test_what_a_newer_program_adds_is_passed_over_and_what_is_too_long_is_cut() -> None:
    line = Owner.signed("0af3", mark(7), Signature("x" * 999)).line()
    found = owner_in(line.replace("{", '{"more":[1],', 1))
    assert found
    assert len(found.by) == 200


@given(st.text(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(str))
def test_what_is_no_owner_is_nobody(line: str) -> None:
    assert owner_in(line) is None


def test_an_owner_without_a_proper_mark_is_nobody() -> None:
    for wrong in (
        "",
        "7",
        "7-",
        "7-xyz",
        mark(7) + "0",
        "-1-" + "a" * 16,
        "1" * 16 + "-" + "a" * 16,
    ):
        assert owner_in(Owner(lineage="0af3", mark=wrong).line()) is None
    assert owner_in(Owner(lineage="0af3", mark=mark(7), turn="0").line()) is None
    assert owner_in('{"lineage":"0af3"}') is None
    assert owner_in('{"lineage":"0af3","mark":7}') is None
    assert owner_in(f'{{"lineage":"a b","mark":"{mark(7)}"}}') is None


def test_a_journal_may_work_where_nobody_does_and_where_it_knows_the_mark() -> None:
    assert may_work(None, "ours", ())
    assert may_work(owner(3), "ours", [mark(1), mark(3)])
    assert may_work(owner(3, lineage="theirs"), "ours", [mark(3)])


def test_a_mark_that_the_journal_does_not_know_is_of_somebody_else() -> None:
    assert not may_work(owner(3, "b"), "ours", [mark(1), mark(3)])
    assert not may_work(owner(1, "b"), "ours", [mark(1), mark(3)])
    assert not may_work(owner(4), "ours", [mark(1), mark(3)])
    assert not may_work(owner(1), "ours", ())
    assert not may_work(owner(1, lineage="theirs"), "ours", [mark(2)])


def test_a_machine_that_was_set_back_to_an_older_mark_is_still_ours() -> None:
    assert may_work(owner(1), "ours", [mark(2), mark(3)])


def test_a_mark_that_was_seen_ends_what_came_before_it() -> None:
    marks = [mark(1), mark(2), mark(3)]
    assert later_marks(marks, mark(2)) == (mark(2), mark(3))
    assert later_marks(marks, "") == tuple(marks)
    assert later_marks(marks, mark(9, "f")) == (mark(9, "f"), *marks)


@given(st.lists(MARKS, max_size=80, unique=True), MARKS)
def test_marks_never_grow_without_end(marks: list[str], seen: str) -> None:
    assert len(later_marks(marks, seen)) <= 33
    assert later_marks(marks, seen)[0] == seen


def test_the_number_of_what_is_no_mark_is_0() -> None:
    assert [number_of(word) for word in (mark(12), "", "x-1", "12")] == [12, 0, 0, 0]


def test_people_are_told_who_and_when() -> None:
    assert whose(owner(1)) == "last changed by core@laptop at 2026-11-23"
    signed = Owner.signed("0af3", mark(7), Signature("core@laptop", "", "/j.jsonl"))
    assert whose(signed) == "last changed by core@laptop:/j.jsonl"
    assert whose(None) == "last changed by somebody"

"""What one look more adds: a silence is never longer than it was seen to be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from sshfleet.journal.standing_row import Look, Row, fold
from sshfleet.model.observed import Trouble
from sshfleet.model.standing import SILENCE, Standing

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BOOT = "boot-1"
troubles = st.sampled_from([None, Trouble.SILENT, Trouble.HUNG, Trouble.NO_SSHD, Trouble.OWNED])


def look(trouble: Trouble | None, began: int, ended: int | None = None, **more: object) -> Look:
    ended = began if ended is None else ended
    at = START + timedelta(milliseconds=ended)
    base = Look(trouble=trouble, detail="", at=at, boot=BOOT, began=began, ended=ended)
    return replace(base, **more)  # type: ignore[arg-type]


def row_of(looks: Sequence[Look]) -> Row:
    row = reduce(fold, looks, None)
    assert row
    return row


def stands(*looks: Look, boot: str = BOOT) -> Standing:
    return row_of(looks).standing(boot)


@st.composite
def looks_in_turn(draw: st.DrawFn, *, boots: int = 1) -> list[Look]:
    """Draw looks of one process, one after the other, boot after boot."""
    looks, clock, boot = [], 0, 0
    for _ in range(draw(st.integers(1, 12))):
        if boot + 1 < boots and draw(st.booleans()):
            boot, clock = boot + 1, draw(st.integers(0, 10))
        began = clock + draw(st.integers(0, 20))
        clock = began + draw(st.integers(0, 20))
        looks.append(look(draw(troubles), began, clock, boot=f"boot-{boot}"))
    return looks


def kind(one: Look) -> object:
    return "silence" if one.trouble in SILENCE else one.trouble


def last_row(looks: Sequence[Look]) -> list[Look]:
    """Return the looks at the end that found the same, in the last boot."""
    found: list[Look] = []
    for one in reversed(looks):
        if (kind(one), one.boot) != (kind(looks[-1]), looks[-1].boot):
            break
        found.insert(0, one)
    return found


@given(looks_in_turn(boots=3))
def test_looks_and_seconds_are_those_of_the_last_row_in_the_last_boot(looks: list[Look]) -> None:
    row = last_row(looks)
    stood = stands(*looks, boot=looks[-1].boot)
    assert (stood.trouble, stood.looks) == (looks[-1].trouble, len(row))
    if stood.trouble and len(row) > 1:
        assert stood.seconds == max(0, row[-1].began - row[0].ended) / 1000


@given(looks_in_turn(boots=3))
def test_for_people_a_trouble_goes_on_over_a_reboot_of_this_computer(looks: list[Look]) -> None:
    same_kind = last_row([replace(one, boot=BOOT) for one in looks])
    assert stands(*looks).since == same_kind[0].at


@given(looks_in_turn(), looks_in_turn(), st.randoms(use_true_random=False))
def test_two_processes_never_make_a_silence_longer_than_the_time_since_an_answer(
    ours: list[Look], theirs: list[Look], order: object
) -> None:
    queues, mixed = [list(ours), list(theirs)], []
    while any(queues):
        queue = order.choice([each for each in queues if each])  # type: ignore[attr-defined]
        mixed.append(queue.pop(0))
    for upto in range(1, len(mixed) + 1):
        row = row_of(mixed[:upto])
        if row.trouble:
            assert all(one.ended <= row.first for one in mixed[:upto] if one.trouble is None), row


@given(looks_in_turn(), st.integers(1, 400), troubles.filter(bool))
def test_a_trouble_found_before_what_is_known_was_over_changes_nothing(
    looks: list[Look], earlier: int, trouble: Trouble
) -> None:
    row = row_of(looks)
    old = look(trouble, row.last - earlier, row.last + 1, boot=row.boot)
    assert fold(row, old) == row


def test_silent_and_hung_are_one_silence_and_anything_else_is_another_trouble() -> None:
    silent, hung = look(Trouble.SILENT, 0), look(Trouble.HUNG, 5_000)
    refused = look(Trouble.NO_SSHD, 9_000)
    stood = stands(silent, hung)
    assert (stood.trouble, stood.looks, stood.seconds) == (Trouble.HUNG, 2, 5.0)
    assert stood.since == silent.at
    stood = stands(silent, hung, refused)
    assert (stood.looks, stood.seconds, stood.since) == (1, 0.0, refused.at)


def test_a_look_that_took_long_proves_only_what_lies_between_looks() -> None:
    stood = stands(look(Trouble.SILENT, 0, 10_000), look(Trouble.SILENT, 40_000, 50_000))
    assert stood.seconds == 30.0


def test_after_a_reboot_of_this_computer_nothing_is_counted_until_the_next_look() -> None:
    before = look(Trouble.SILENT, 0), look(Trouble.SILENT, 90_000)
    stood = stands(*before, boot="boot-2")
    assert (stood.trouble, stood.looks, stood.seconds) == (Trouble.SILENT, 0, 0.0)
    after = look(Trouble.SILENT, 500_000, boot="boot-2")
    stood = stands(*before, after, boot="boot-2")
    assert (stood.looks, stood.seconds, stood.since) == (1, 0.0, before[0].at)


def test_where_the_boot_cannot_be_told_nothing_is_counted() -> None:
    stood = stands(*(look(Trouble.SILENT, 1000 * n, boot="") for n in range(5)), boot="")
    assert (stood.looks, stood.seconds) == (0, 0.0)


def test_looks_that_nobody_answered_say_nothing_of_a_machine_and_break_the_row() -> None:
    first = look(Trouble.SILENT, 0)
    blind = look(Trouble.SILENT, 60_000, blind=True)
    stood = stands(first, blind)
    assert (stood.trouble, stood.looks, stood.seconds) == (Trouble.SILENT, 0, 0.0)
    assert stood.since == first.at
    stood = stands(first, blind, look(Trouble.SILENT, 70_000))
    assert (stood.looks, stood.seconds) == (1, 0.0)


def test_an_answer_that_is_noted_late_still_ends_the_silence() -> None:
    silent = [look(Trouble.SILENT, 0, 10), look(Trouble.SILENT, 100, 200)]
    answered = look(None, 90, 95)
    stood = stands(*silent, answered)
    assert (stood.trouble, stood.looks) == (None, 1)
    assert stands(*silent, answered, look(Trouble.SILENT, 300, 310)).seconds == 0.0

"""Records → what happened: one happening for each thing that a person would tell."""

import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given

from sshfleet.model import event as ev
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName, content_hash
from sshfleet.render.happenings import Entry, Happening, Kind, happenings
from tests.journal.strategies import BY_TYPE, runs

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WEB, M1, M2 = UnitName("web.service"), MachineId("a" * 32), MachineId("b" * 32)
BEGUN = ev.JournalStarted("1234")
SEEN = [
    ev.MachineSeen(M1, MachineName("core-01"), "10.0.0.1"),
    ev.MachineSeen(M2, MachineName("core-02"), "10.0.0.2"),
]
PLACED = ev.UnitPlaced(WEB, M1, 1, "fewest units")
LEFT = ev.UnitUnplaced(WEB, M1, "core-01 is cordoned")
PLACED_THERE = ev.UnitPlaced(WEB, M2, 2, "fewest units")
REMOVED = ev.UnitRemoved(WEB, M1)
REMOVAL = ev.ActionEnded(WEB, M1, "remove", "moved", "done", "active", "inactive", 300)


def told(*batches: list[Event] | Event) -> list[Happening]:
    """Tell what happened; each batch was written by one append, a second after the other."""

    def entries() -> Iterator[Entry]:
        for seconds, batch in enumerate(batches):
            for event in batch if isinstance(batch, list) else [batch]:
                yield Entry(START + timedelta(seconds=seconds), "core@laptop", "sshfleet", event)

    return list(happenings(entries()))


def ends(found: list[Happening]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.before, one.after) for one in found]


def test_a_state_that_is_wanted_is_told_with_the_one_before() -> None:
    found = told(
        BEGUN,
        [ev.UnitSubmitted(WEB, "ab"), ev.TargetSet(WEB, TargetState.LAUNCHED)],
        ev.TargetSet(WEB, TargetState.ABSENT),
        [ev.UnitSubmitted(WEB, "cd"), ev.TargetSet(WEB, TargetState.LOADED)],
    )
    assert ends(found) == [
        (Kind.BEGIN, "", "1234"),
        (Kind.TEXT, "", "ab"),
        (Kind.WANT, "inactive", "launched"),
        (Kind.WANT, "launched", "absent"),
        (Kind.TEXT, "", "cd"),
        (Kind.WANT, "inactive", "loaded"),
    ]
    assert {one.unit for one in found[1:]} == {WEB}


def test_a_new_text_is_told_with_the_old_one_and_counts_drop_ins() -> None:
    dropins = {"10-a.conf": "ef"}
    found = told(BEGUN, ev.UnitSubmitted(WEB, "ab"), ev.UnitSubmitted(WEB, "ab", dropins))
    assert ends(found)[1:] == [
        (Kind.TEXT, "", "ab"),
        (Kind.TEXT, "ab", content_hash("ab", dropins)),
    ]


def test_of_what_was_before_the_oldest_record_nothing_is_said() -> None:
    found = told(
        ev.TargetSet(WEB, TargetState.LOADED),
        ev.UnitSubmitted(WEB, "cd"),
        ev.TargetSet(UnitName("db.service"), TargetState.LAUNCHED),
        PLACED,
    )
    assert ends(found) == [
        (Kind.WANT, "", "loaded"),
        (Kind.TEXT, "", "cd"),
        (Kind.WANT, "", "launched"),
        (Kind.PLACE, "", M1),
    ]
    assert found[3].name == ""


def test_leaving_and_coming_in_one_batch_is_a_move_with_the_reason_to_leave() -> None:
    *_, move = told([*SEEN], [PLACED], [LEFT, PLACED_THERE])
    assert (move.kind, move.before, move.after) == (Kind.MOVE, M1, M2)
    assert (move.left, move.name, move.machine) == ("core-01", "core-02", M2)
    assert move.reason == "core-01 is cordoned"


def test_leaving_now_and_coming_later_are_two_things() -> None:
    found = told([PLACED], [LEFT], [PLACED_THERE])
    assert [one.kind for one in found] == [Kind.PLACE, Kind.LEAVE, Kind.PLACE]


def test_a_unit_that_leaves_one_machine_for_two_does_not_move() -> None:
    found = told([LEFT, PLACED_THERE, ev.UnitPlaced(WEB, MachineId("c" * 32), 3, "global")])
    assert [one.kind for one in found] == [Kind.LEAVE, Kind.PLACE, Kind.PLACE]


def test_units_move_in_one_batch_without_being_mixed_up() -> None:
    db = UnitName("db.service")
    found = told([LEFT, ev.UnitUnplaced(db, M2, "x"), PLACED_THERE, ev.UnitPlaced(db, M1, 3, "y")])
    assert [(one.unit, one.before, one.after) for one in found] == [(WEB, M1, M2), (db, M2, M1)]


def test_what_an_action_came_to_is_told_with_what_it_found_and_left() -> None:
    (found,) = told(
        ev.ActionEnded(WEB, M1, "start", "is to run", "failed", "inactive", "failed", 9)
    )
    assert (found.kind, found.result, found.reason, found.ms) == ("start", "failed", "is to run", 9)
    assert (found.before, found.after) == ("inactive", "failed")


def test_that_a_copy_is_gone_is_told_unless_its_removal_was() -> None:
    assert [one.kind for one in told(PLACED, REMOVAL, REMOVED)] == [Kind.PLACE, "remove"]
    assert [one.kind for one in told(PLACED, REMOVED)] == [Kind.PLACE, Kind.GONE]
    for again in ((REMOVAL, REMOVED, PLACED, REMOVED), (REMOVAL, PLACED, REMOVED)):
        assert [one.kind for one in told(*again)] == ["remove", Kind.PLACE, Kind.GONE]


def test_a_machine_is_called_what_it_was_called_then() -> None:
    renamed = ev.MachineSeen(M1, MachineName("web-01"), "10.0.0.9")
    found = told([*SEEN], PLACED, ev.MachineCordoned(MachineName("core-01")), renamed, LEFT)
    assert [one.name for one in found[2:]] == ["core-01", "core-01", "web-01", "web-01"]
    assert found[3].machine == M1
    assert (found[4].before, found[4].after) == ("10.0.0.1", "10.0.0.9")


def test_a_restart_that_was_asked_for_is_wanted() -> None:
    (found,) = told(ev.RestartAsked(WEB, {M1: "f00d"}))
    assert (found.kind, found.after) == (Kind.WANT, "restart")


def test_what_is_only_for_ourselves_is_nothing_that_happened() -> None:
    assert told(ev.TextStored("ab", "[Unit]\n"), ev.MachineMarked(M1, "new", "old")) == []


@given(runs)
def test_whatever_happens_is_told_in_order_and_one_record_is_one_thing_at_most(
    events: list[Event],
) -> None:
    found = told(BEGUN, *events)
    times = [one.entry.at for one in found]
    assert times == sorted(set(times))


def test_every_event_there_is_can_be_told() -> None:
    assert set(typing.get_args(Event)) == set(BY_TYPE)
    for strategy in BY_TYPE.values():

        @given(strategy)
        def is_told(event: Event) -> None:
            told(event)

        is_told()

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.model import event as ev
from sshfleet.model.desired import CannotFold, DesiredState, DesiredUnit, KnownMachine, fold
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName
from tests.journal.strategies import runs

WEB = UnitName("web.service")
M1, M2 = MachineId("a" * 32), MachineId("b" * 32)
CORE1, CORE2 = MachineName("core-01"), MachineName("core-02")
EMPTY = DesiredState()

SUBMITTED: list[Event] = [
    ev.TextStored("old", "[Service]\n"),
    ev.TextStored("new", "[Unit]\n"),
    ev.UnitSubmitted(WEB, "old"),
]
LAUNCHED = [*SUBMITTED, ev.TargetSet(WEB, TargetState.LAUNCHED)]
PLACED = [*LAUNCHED, ev.UnitPlaced(WEB, M1, 1, "fewest units")]


def web(events: list[Event]) -> DesiredUnit:
    return fold(EMPTY, events).units[WEB]


@given(runs, st.data())
def test_folding_in_parts_is_folding_at_once(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    assert fold(fold(EMPTY, events[:cut]), events[cut:]) == fold(EMPTY, events)


@given(runs)
def test_every_prefix_of_what_folds_folds(events: list[Event]) -> None:
    fold(EMPTY, events)
    for length in range(len(events)):
        fold(EMPTY, events[:length])


@given(runs)
def test_folding_leaves_the_state_it_started_from_alone(events: list[Event]) -> None:
    before = fold(EMPTY, PLACED)
    fold(before, events)
    assert before == fold(EMPTY, PLACED)


@given(runs)
def test_what_is_held_and_placed_stays_within_the_rules(events: list[Event]) -> None:
    state = fold(EMPTY, events)
    for name, unit in state.units.items():
        assert unit.name == name
        assert unit.sha256 in state.texts
        assert unit.generation <= state.generation
        assert unit.target.on_machine or not unit.placements
        assert unit.target is not TargetState.ABSENT or unit.holders


@given(runs)
def test_only_a_confirmation_shrinks_the_holders(events: list[Event]) -> None:
    state = EMPTY
    for event in events:
        after = fold(state, [event])
        if not isinstance(event, ev.UnitRemoved):
            for name, unit in state.units.items():
                if unit.holders:
                    assert unit.holders <= after.units[name].holders
        state = after


@pytest.mark.parametrize(
    "event",
    [
        ev.TargetSet(WEB, TargetState.LAUNCHED),
        ev.UnitPlaced(WEB, M1, 1, "new"),
        ev.UnitUnplaced(WEB, M1, "drained"),
        ev.UnitRemoved(WEB, M1),
        ev.RestartAsked(WEB, {M1: "f00d"}),
    ],
)
def test_an_event_of_an_unknown_unit_cannot_be_folded(event: Event) -> None:
    with pytest.raises(CannotFold, match="is not known"):
        fold(EMPTY, [event])


def test_a_unit_needs_its_text_first() -> None:
    with pytest.raises(CannotFold, match="no text"):
        fold(EMPTY, [ev.UnitSubmitted(WEB, "old")])


@pytest.mark.parametrize("target", [TargetState.INACTIVE, TargetState.ABSENT])
def test_a_unit_that_belongs_nowhere_cannot_be_placed(target: TargetState) -> None:
    with pytest.raises(CannotFold, match="cannot be placed"):
        fold(EMPTY, [*PLACED, ev.TargetSet(WEB, target), ev.UnitPlaced(WEB, M2, 2, "new")])


def test_a_new_unit_is_inactive_and_nowhere() -> None:
    assert web(SUBMITTED) == DesiredUnit(name=WEB, sha256="old")


def test_a_unit_needs_the_texts_of_its_drop_ins_first() -> None:
    stored = ev.TextStored("s1", "[Service]\n")
    with pytest.raises(CannotFold, match="no text s2 for unit"):
        fold(DesiredState(), [stored, ev.UnitSubmitted(WEB, "s1", {"10-x.conf": "s2"})])


def test_a_new_text_has_only_the_drop_ins_that_came_with_it() -> None:
    texts = [ev.TextStored("s1", "[Service]\n"), ev.TextStored("s2", "[Unit]\n")]
    first = fold(DesiredState(), [*texts, ev.UnitSubmitted(WEB, "s1", {"10-x.conf": "s2"})])
    second = fold(first, [ev.UnitSubmitted(WEB, "s1")])
    assert first.units[WEB].dropins == {"10-x.conf": "s2"}
    assert first.units[WEB].content != second.units[WEB].content == "s1"


def test_a_new_text_keeps_target_and_placements() -> None:
    unit = web([*PLACED, ev.UnitSubmitted(WEB, "new")])
    assert (unit.sha256, unit.target) == ("new", TargetState.LAUNCHED)
    assert unit.placements == unit.holders == {M1}


def test_placements_in_a_row_count_as_each_would_alone() -> None:
    held = fold(EMPTY, [*PLACED, ev.UnitUnplaced(WEB, M1, "moves")])
    row = [
        ev.UnitPlaced(WEB, M1, 2, "back", "lease"),
        ev.UnitPlaced(WEB, M2, 4, "new", "lease"),
        ev.UnitPlaced(WEB, MachineId("c" * 32), 3, "new"),
        ev.UnitPlaced(WEB, MachineId("c" * 32), 5, "again", "lease"),
    ]
    alone = held
    for one in row:
        alone = fold(alone, [one])
    assert fold(held, row) == alone
    assert alone.units[WEB].guarded == {M2}


def test_placing_counts_the_generation_up() -> None:
    state = fold(EMPTY, [*PLACED, ev.UnitPlaced(WEB, M2, 5, "global")])
    assert state.generation == state.units[WEB].generation == 5
    assert state.units[WEB].placements == {M1, M2}


def test_stopping_keeps_the_placement_and_unloading_ends_it() -> None:
    stopped = web([*PLACED, ev.TargetSet(WEB, TargetState.LOADED)])
    assert stopped.placements == {M1}
    unloaded = web([*PLACED, ev.TargetSet(WEB, TargetState.INACTIVE)])
    assert not unloaded.placements
    assert unloaded.holders == {M1}


def test_a_machine_that_lost_the_unit_may_still_hold_a_copy() -> None:
    unit = web([*PLACED, ev.UnitUnplaced(WEB, M1, "drained"), ev.UnitPlaced(WEB, M2, 2, "drained")])
    assert unit.placements == {M2}
    assert unit.holders == {M1, M2}


def test_a_destroyed_unit_is_a_tombstone_until_nobody_holds_it() -> None:
    both = [*PLACED, ev.UnitPlaced(WEB, M2, 2, "global"), ev.TargetSet(WEB, TargetState.ABSENT)]
    assert web(both).holders == {M1, M2}
    assert web([*both, ev.UnitRemoved(WEB, M1)]).holders == {M2}
    assert WEB not in fold(EMPTY, [*both, ev.UnitRemoved(WEB, M1), ev.UnitRemoved(WEB, M2)]).units


def test_a_destroyed_unit_that_nobody_holds_is_forgotten_at_once() -> None:
    assert fold(EMPTY, [*SUBMITTED, ev.TargetSet(WEB, TargetState.ABSENT)]).units == {}


def test_a_tombstone_that_is_submitted_again_lives_and_remembers_old_copies() -> None:
    destroyed = [*PLACED, ev.TargetSet(WEB, TargetState.ABSENT)]
    unit = web([*destroyed, ev.UnitSubmitted(WEB, "new")])
    assert (unit.sha256, unit.target) == ("new", TargetState.INACTIVE)
    assert not unit.placements
    assert unit.holders == {M1}
    assert unit.generation == 1


def test_restarts_add_up_until_the_target_is_set_again() -> None:
    asked = [*PLACED, ev.RestartAsked(WEB, {M1: "f00d"}), ev.RestartAsked(WEB, {M2: "cafe"})]
    assert web(asked).restart == {M1: "f00d", M2: "cafe"}
    assert web([*asked, ev.TargetSet(WEB, TargetState.LAUNCHED)]).restart == {}


def test_a_name_belongs_to_the_machine_that_had_it_last() -> None:
    state = fold(
        EMPTY, [ev.MachineSeen(M1, CORE1, "10.0.0.1"), ev.MachineSeen(M2, CORE1, "10.0.0.2")]
    )
    assert state.id_of("core-01") == M2
    assert state.machines[M1] == KnownMachine(M1, MachineName(""), "10.0.0.1")


def test_a_machine_may_get_another_name_and_address() -> None:
    state = fold(
        EMPTY, [ev.MachineSeen(M1, CORE1, "10.0.0.1"), ev.MachineSeen(M1, CORE2, "10.0.0.9")]
    )
    assert state.machines == {M1: KnownMachine(M1, CORE2, "10.0.0.9")}
    assert state.id_of("core-01") is None
    assert state.id_of("core-02") == M1


def test_what_came_of_an_action_changes_nothing() -> None:
    ended = ev.ActionEnded(UnitName("ghost.service"), M1, "start", "new", "done")
    assert fold(fold(EMPTY, PLACED), [ended]) == fold(EMPTY, PLACED)


def test_a_run_is_refused_as_a_whole() -> None:
    before = fold(EMPTY, PLACED)
    with pytest.raises(CannotFold):
        fold(
            before, [ev.TargetSet(WEB, TargetState.LOADED), ev.UnitRemoved(UnitName("x.timer"), M1)]
        )
    assert before == fold(EMPTY, PLACED)

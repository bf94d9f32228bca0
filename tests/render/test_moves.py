from sshfleet.model.event import Event, TargetSet, TargetState, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineId
from sshfleet.model.unit import UnitName
from sshfleet.render.moves import move_lines

M1, M2 = MachineId("a" * 32), MachineId("b" * 32)
R, V = UnitName("r.service"), UnitName("v.service")
CALLED = {M1: "core-01", M2: "core-02"}
WHY = "replaced there by r.service (Replaces=v* of r.service)"


def test_a_unit_that_was_not_named_and_moves_is_told_with_both_machines_and_the_reason() -> None:
    events: list[Event] = [
        UnitUnplaced(V, M1, WHY),
        UnitPlaced(R, M1, 2, "new"),
        UnitPlaced(V, M2, 3, "free"),
    ]
    assert move_lines(events, frozenset({R}), CALLED) == [
        f"v.service moves from core-01 to core-02: {WHY}"
    ]


def test_a_unit_that_only_leaves_or_only_comes_is_told_so() -> None:
    left: list[Event] = [UnitUnplaced(V, M1, WHY), UnitUnplaced(V, MachineId("c" * 32), "old")]
    assert move_lines(left, frozenset({R}), CALLED) == [
        f"v.service leaves core-01: {WHY}",
        "v.service leaves cccccccc: old",
    ]
    assert move_lines([UnitPlaced(V, M2, 3, "free")], frozenset({R}), CALLED) == [
        "v.service comes to core-02: free"
    ]


def test_other_decisions_are_not_moves() -> None:
    assert move_lines([TargetSet(V, TargetState.LOADED)], frozenset(), CALLED) == []

import json
from dataclasses import replace

import pytest
from hypothesis import given

from sshfleet.journal.codec import Malformed, TooNew
from sshfleet.journal.record import decode
from sshfleet.journal.snapshot import (
    WORTHWHILE,
    Snapshot,
    essential,
    snapshot_from_dict,
    snapshot_to_dict,
    worth_it,
)
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event, MachineCordoned
from sshfleet.model.machine import MachineName
from tests.journal.lines import SHA, STORY, WEB, lines
from tests.journal.strategies import runs

STATE = fold(DesiredState(), STORY)


@given(runs)
def test_any_state_comes_back_from_its_line_as_it_was(events: list[Event]) -> None:
    state = fold(DesiredState(lineage="0123"), events)
    [line] = lines([Snapshot(state)])
    assert decode(line[:-1]).event == Snapshot(state)


def test_a_state_is_written_like_this() -> None:
    [line] = lines([Snapshot(STATE)])
    assert json.loads(line)["event"] == {
        "type": "snapshot",
        "lineage": "0123456789abcdef0123456789abcdef",
        "generation": 1,
        "machines": {"a" * 32: {"address": "10.0.0.1", "name": "core-01"}},
        "texts": {SHA: "[Service]\nExecStart=/bin/true\n"},
        "units": {
            "web.service": {
                "sha256": SHA,
                "target": "launched",
                "generation": 1,
                "placements": ["a" * 32],
                "holders": ["a" * 32],
                "restart": {},
            }
        },
    }


def test_cordoned_machines_are_written_when_there_are_any_and_read_when_they_are_missing() -> None:
    names = [MachineName(name) for name in ("core-02", "core-01")]
    state = fold(STATE, [MachineCordoned(name) for name in names])
    data = snapshot_to_dict(Snapshot(state))
    assert data["cordoned"] == ["core-01", "core-02"]
    assert snapshot_from_dict(data).state == state
    del data["cordoned"]
    assert snapshot_from_dict(data).state == STATE


def test_drop_ins_are_written_when_there_are_any() -> None:
    assert "dropins" not in snapshot_to_dict(Snapshot(STATE))["units"]["web.service"]
    unit = replace(STATE.units[WEB], dropins={"10-x.conf": "ab"})
    state = replace(STATE, units={WEB: unit})
    data = snapshot_to_dict(Snapshot(state))
    assert data["units"]["web.service"]["dropins"] == {"10-x.conf": "ab"}
    assert snapshot_from_dict(data).state == state


@given(runs)
def test_only_texts_that_no_unit_has_are_left_out(events: list[Event]) -> None:
    state = fold(DesiredState(), events)
    small = essential(state)
    units = state.units.values()
    used = {sum for unit in units for sum in (unit.sha256, *unit.dropins.values())}
    assert set(small.texts) == used
    assert (small.units, small.machines) == (state.units, state.machines)
    assert small.cordoned == state.cordoned
    assert (small.lineage, small.generation) == (state.lineage, state.generation)


def test_a_journal_is_compacted_once_its_events_outgrow_its_snapshot() -> None:
    assert not worth_it(WORTHWHILE, 0)
    assert worth_it(WORTHWHILE + 1, 0)
    assert not worth_it(3 * WORTHWHILE, 3 * WORTHWHILE)
    assert worth_it(3 * WORTHWHILE + 1, 3 * WORTHWHILE)


def test_marks_are_written_when_there_are_any_and_read_when_they_are_missing() -> None:
    machine = next(iter(STATE.machines.values()))
    marked = replace(machine, marks=("1-00000000000000aa", "2-00000000000000bb"))
    state = replace(STATE, machines={machine.id: marked})
    data = snapshot_to_dict(Snapshot(state))
    assert data["machines"][machine.id]["marks"] == list(marked.marks)
    assert snapshot_from_dict(data).state == state
    assert "marks" not in snapshot_to_dict(Snapshot(STATE))["machines"][machine.id]


def test_what_a_snapshot_has_more_was_written_by_a_newer_program() -> None:
    data = snapshot_to_dict(Snapshot(STATE))
    with pytest.raises(TooNew, match="wishes"):
        snapshot_from_dict({**data, "wishes": {}})
    unit = {**data["units"]["web.service"], "lease": 1}
    with pytest.raises(TooNew, match="lease"):
        snapshot_from_dict({**data, "units": {"web.service": unit}})


@pytest.mark.parametrize(
    "change",
    [
        {"units": []},
        {"units": {"web.service": 1}},
        {"units": {"web.service": {}}},
        {"machines": {"a": {"name": "core-01", "address": 1}}},
        {"texts": {"a": 1}},
        {"lineage": None},
        {"generation": "1"},
        {"cordoned": "core-01"},
        {"cordoned": [1]},
    ],
)
def test_a_snapshot_of_another_shape_is_malformed(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        snapshot_from_dict({**snapshot_to_dict(Snapshot(STATE)), **change})


def test_placements_that_are_no_list_are_malformed() -> None:
    data = snapshot_to_dict(Snapshot(STATE))
    unit = {**data["units"][WEB], "placements": "abc"}
    with pytest.raises(Malformed, match="list of machines"):
        snapshot_from_dict({**data, "units": {WEB: unit}})

import typing
from dataclasses import fields, replace

import pytest
from hypothesis import given

from sshfleet.journal.codec import (
    EVENT_TYPES,
    LARGEST,
    Malformed,
    TooNew,
    event_from_dict,
    event_to_dict,
)
from sshfleet.model import event as ev
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName
from tests.journal.strategies import BY_TYPE, any_event

WEB = UnitName("web.service")
PLACED = ev.UnitPlaced(WEB, MachineId("a" * 32), 3, "fewest units")


def test_every_event_has_a_name_on_disk_and_a_strategy() -> None:
    members = set(typing.get_args(Event))
    assert set(EVENT_TYPES.values()) == members
    assert set(BY_TYPE) == members
    assert len(EVENT_TYPES) == len(members)


def test_names_and_fields_on_disk_stay_what_they_were_released_as() -> None:
    written = {name: [f.name for f in fields(event)] for name, event in EVENT_TYPES.items()}
    assert written == {
        "journal-started": ["lineage"],
        "text-stored": ["sha256", "text"],
        "unit-submitted": ["unit", "sha256", "dropins"],
        "target-set": ["unit", "target"],
        "unit-placed": ["unit", "machine", "generation", "reason", "failover"],
        "unit-unplaced": ["unit", "machine", "reason"],
        "unit-removed": ["unit", "machine"],
        "copy-given-up": ["unit", "machine", "reason"],
        "copy-found": ["unit", "machine"],
        "copy-guarded": ["unit", "machine"],
        "copy-unguarded": ["unit", "machine"],
        "leases-promised": ["machines", "boot", "until", "seconds", "number"],
        "restart-asked": ["unit", "invocations"],
        "machine-seen": ["machine", "name", "address"],
        "machine-marked": ["machine", "mark", "seen"],
        "machine-cordoned": ["name"],
        "machine-draining": ["name"],
        "machine-uncordoned": ["name"],
        "action-ended": ["unit", "machine", "verb", "reason", "result", "was", "became", "ms"],
    }


@given(any_event)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    assert event_from_dict(event_to_dict(event)) == event


def test_an_event_is_its_type_and_its_fields() -> None:
    assert event_to_dict(ev.TargetSet(WEB, TargetState.LAUNCHED)) == {
        "type": "target-set",
        "unit": "web.service",
        "target": "launched",
    }


def test_drop_ins_are_written_when_there_are_any_and_read_when_they_are_missing() -> None:
    plain = {"type": "unit-submitted", "unit": "web.service", "sha256": "ab"}
    assert event_to_dict(ev.UnitSubmitted(WEB, "ab")) == plain
    assert event_from_dict(plain) == ev.UnitSubmitted(WEB, "ab")

    both = ev.UnitSubmitted(WEB, "ab", {"10-x.conf": "cd"})
    assert event_to_dict(both) == {**plain, "dropins": {"10-x.conf": "cd"}}
    assert event_from_dict(event_to_dict(both)) == both


def test_how_long_an_action_took_is_written_when_it_is_known() -> None:
    ended = ev.ActionEnded(WEB, MachineId("a"), "start", "is to run", "done")
    plain = event_to_dict(ended)
    assert not {"was", "became", "ms"} & plain.keys()
    assert event_from_dict(plain) == ended

    timed = replace(ended, was="inactive", became="active", ms=420)
    assert event_to_dict(timed) == {**plain, "was": "inactive", "became": "active", "ms": 420}
    assert event_from_dict(event_to_dict(timed)) == timed


@pytest.mark.parametrize(
    "newer",
    [
        {"type": "unit-blessed", "unit": "web.service"},
        {**event_to_dict(PLACED), "lease": 90},
        {"type": "target-set", "unit": "web.service", "target": "hibernating"},
    ],
)
def test_what_is_not_known_here_was_written_by_a_newer_program(newer: dict[str, object]) -> None:
    with pytest.raises(TooNew):
        event_from_dict(newer)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"type": 7},
        {"type": "unit-removed", "unit": "web.service"},
        {**event_to_dict(PLACED), "generation": "3"},
        {**event_to_dict(PLACED), "generation": True},
        {**event_to_dict(PLACED), "generation": -1},
        {**event_to_dict(PLACED), "generation": LARGEST + 1},
        {**event_to_dict(PLACED), "generation": 3.0},
        {**event_to_dict(PLACED), "unit": None},
        {"type": "target-set", "unit": "web.service", "target": 1},
        {"type": "unit-submitted", "unit": "web.service", "sha256": "ab", "dropins": ["a"]},
        {"type": "unit-submitted", "unit": "web.service", "sha256": "ab", "dropins": {"a": 1}},
        {"type": "restart-asked", "unit": "web.service"},
        {"type": "restart-asked", "unit": "web.service", "invocations": ["a"]},
        {"type": "restart-asked", "unit": "web.service", "invocations": {"a": 1}},
    ],
)
def test_what_no_version_writes_is_malformed(broken: dict[str, object]) -> None:
    with pytest.raises(Malformed) as caught:
        event_from_dict(broken)
    assert not isinstance(caught.value, TooNew)


def test_what_could_not_be_read_again_is_not_written() -> None:
    seen = ev.MachineSeen(MachineId("a"), MachineName("core-01"), "lone \udcff surrogate")
    with pytest.raises(Malformed, match="not Unicode"):
        event_to_dict(seen)
    with pytest.raises(Malformed, match="whole number"):
        event_to_dict(ev.UnitPlaced(WEB, MachineId("a"), LARGEST + 1, ""))

"""Lists as JSON: every field of the schema, each time."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from sshfleet.model.event import JournalStarted, TargetState
from sshfleet.plan.world import World
from sshfleet.render.happenings import Entry, Happening
from sshfleet.render.history import History, history_row
from sshfleet.render.listing import LISTS, listing
from sshfleet.render.rows import View, file_rows, machine_rows, unit_rows
from tests.builders import machine, machine_id, reached, silent, state, unit, world
from tests.listed import KEYS, UnitFileRow, document, line

WEB, AGENT, IDLE = unit("web.service"), unit("agent.service", is_global=True), unit("idle.service")
HERE = world(
    machine("m1", disk="ssd", az="a"),
    machine("m2"),
    units=[WEB, AGENT, IDLE],
    placed={WEB.name: "m2", AGENT.name: ["m1", "m2"]},
    targets={IDLE.name: TargetState.INACTIVE},
    reports={"m1": reached("m1", state(AGENT)), "m2": silent()},
    cordoned="m1",
)


def rows_of(of: World) -> dict[str, list[dict[str, str]]]:
    hashes = {each.sha256: each.hash for each in of.units.values()}
    view = View(
        fleet=of.fleet,
        desired=of.desired,
        observed=of.observed,
        hash_of=lambda sha256: hashes.get(sha256, ""),
        full=True,
        exact=True,
    )
    past = History(local=lambda at: at, year=2026, called=str, hash_of=str, full=True)
    entry = Entry(
        datetime(2026, 11, 23, tzinfo=UTC), "core@laptop", "sshfleet", JournalStarted("1")
    )
    start = Happening(entry=entry, kind="start", unit="web.service", result="done", ms=7)
    return {
        "history": [history_row(one, past) for one in (start, replace(start, result="", ms=0))],
        "list-machines": machine_rows(view),
        "list-units": unit_rows(view),
        "list-unit-files": file_rows(view, of.units),
    }


@pytest.mark.parametrize("verb", sorted(KEYS))
def test_a_list_has_exactly_the_fields_of_its_schema(verb: str) -> None:
    rows = rows_of(HERE)[verb]
    read = document(verb, listing(KEYS[verb], rows))
    lines = listing(KEYS[verb], rows, lines=True).splitlines()
    items = getattr(read, KEYS[verb])
    assert len(items) == len(rows) > 1
    assert [line(verb, each) for each in lines] == items
    assert all('{"version": 1, ' in each for each in lines)


@pytest.mark.parametrize("verb", sorted(KEYS))
def test_an_empty_list_is_a_document_too(verb: str) -> None:
    document(verb, listing(KEYS[verb], []))
    assert listing(KEYS[verb], [], lines=True) == ""


@pytest.mark.parametrize("verb", sorted(KEYS))
def test_a_field_more_or_less_is_noticed(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = LISTS[KEYS[verb]]
    rows = rows_of(HERE)[verb]
    monkeypatch.setitem(LISTS, KEYS[verb], {**fields, "more": str})
    with pytest.raises(msgspec.ValidationError, match="more"):
        document(verb, listing(KEYS[verb], rows))
    for gone in fields:
        monkeypatch.setitem(LISTS, KEYS[verb], {k: v for k, v in fields.items() if k != gone})
        with pytest.raises(msgspec.ValidationError, match=gone):
            document(verb, listing(KEYS[verb], rows))


def test_what_the_cells_hold_is_told_as_ids_numbers_and_objects() -> None:
    rows = rows_of(HERE)
    ready, away = document("list-machines", listing("machines", rows["list-machines"])).machines  # type: ignore[union-attr]
    assert (ready.machine, ready.memory, ready.cpus) == (machine_id("m1"), 2**31, 2)
    assert (ready.metadata, ready.status, ready.cordoned) == (
        {"az": "a", "disk": "ssd"}, "cordoned", True,
    )  # fmt: skip
    assert (away.status, away.cpus, away.os, away.metadata) == ("unreachable", None, None, {})
    files = document("list-unit-files", listing("unit_files", rows["list-unit-files"])).unit_files  # type: ignore[union-attr]
    assert [(one.unit, one.target, one.is_global, one.state) for one in files] == [
        ("agent.service", "global", True, None),
        ("idle.service", None, False, "inactive"),
        ("web.service", machine_id("m2"), False, None),
    ]


def test_a_unit_that_moves_has_both_machines() -> None:
    two = replace(HERE, desired=world(
        machine("m1"), machine("m2"), units=[WEB], placed={WEB.name: ["m1", "m2"]}
    ).desired)  # fmt: skip
    row = line(
        "list-unit-files", listing("unit_files", rows_of(two)["list-unit-files"], lines=True)
    )
    assert isinstance(row, UnitFileRow)
    assert (row.target, row.name) == (f"{machine_id('m1')},{machine_id('m2')}", "m1,m2")

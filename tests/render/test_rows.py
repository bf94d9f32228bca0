"""What lists show of machines and units, seen and not seen."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sshfleet.model.desired import fold
from sshfleet.model.event import MachineDraining, TargetState
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Record, Trouble
from sshfleet.model.standing import Standing
from sshfleet.plan.world import World
from sshfleet.render.legend import legend, short
from sshfleet.render.rows import View, file_rows, machine_rows, size, unit_rows
from tests.builders import machine, machine_id, reached, silent, state, unit, world

WEB = unit("web.service")
LOADED = Record(lineage="l", generation=1, sha256=WEB.sha256, target="loaded")
M1 = f"{machine_id('m1')[:8]}..."


def view(of: World, *, full: bool = False) -> View:
    hashes = {each.sha256: each.hash for each in of.units.values()}
    return View(
        fleet=of.fleet,
        desired=of.desired,
        observed=of.observed,
        hash_of=lambda sha256: hashes.get(sha256, ""),
        full=full,
        seen={MachineName("m1"): datetime(2026, 11, 23, 8, 0, tzinfo=UTC)},
    )


def test_a_machine_is_named_by_the_first_eight_digits_of_its_id() -> None:
    assert short("3547a4df00000000") == "3547a4df..."
    assert legend("3547a4df00000000", "172.17.8.103") == "3547a4df.../172.17.8.103"
    assert legend("3547a4df00000000", "172.17.8.103", full=True) == "3547a4df00000000/172.17.8.103"
    assert legend("", "172.17.8.103") == ""


def test_every_machine_of_the_inventory_is_shown_however_it_stands() -> None:
    here = world(
        machine("m1", disk="ssd", az="a"),
        machine("m2"),
        machine("m3"),
        machine("m4"),
        reports={
            "m2": silent(),
            "m3": silent(trouble=Trouble.AUTH),
            "m4": silent(trouble=Trouble.HOST_KEY),
        },
    )
    rows = machine_rows(view(here))
    assert [row["status"] for row in rows] == ["ready", "unreachable", "unauthorized", "hostkey"]
    assert (rows[0]["machine"], rows[0]["metadata"]) == (M1, "az=a,disk=ssd")
    assert rows[0]["seen"] == "2026-11-23T08:00:00+00:00"
    assert rows[1]["machine"] != ""  # seen before, by the journal


def standing(trouble: Trouble | None) -> Standing:
    since = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    return Standing(trouble=trouble, detail="why" if trouble else "", since=since)


def test_a_machine_in_trouble_shows_which_since_when_and_why() -> None:
    here = replace(
        view(world(machine("m1"), machine("m2"))),
        standings={
            MachineName("m1"): standing(Trouble.FAULT_HERE),
            MachineName("m2"): standing(None),
        },
    )
    away, ready = machine_rows(here)
    since = "2026-11-23T08:00:00+00:00"
    assert (away["trouble"], away["since"], away["detail"]) == ("controller-fault", since, "why")
    assert (ready["trouble"], ready["since"], ready["detail"]) == ("", since, "")


def test_a_machine_that_answered_before_and_does_not_now_is_shown_as_it_was_last_known() -> None:
    here = view(world(machine("m1"), cordoned="m1"))
    shown = replace(here, standings={MachineName("m1"): standing(Trouble.SILENT)})
    (row,) = machine_rows(shown)
    assert (row["status"], row["cordoned"], row["os"][:6]) == ("unreachable", "yes", "Debian")


def test_a_machine_is_draining_as_long_as_it_answers_and_has_units() -> None:
    machines = [machine("m1"), machine("m2"), machine("m3")]
    placed = {"web.service": ["m1", "m2"]}
    of = world(*machines, units=[WEB], placed=placed, reports={"m2": silent()})
    emptied = [MachineDraining(MachineName(name)) for name in ("m1", "m2", "m3")]
    rows = machine_rows(view(replace(of, desired=fold(of.desired, emptied))))
    assert [row["status"] for row in rows] == ["draining", "unreachable", "cordoned"]


def test_two_names_of_one_machine_are_both_doubtful() -> None:
    twin = {"m2": reached("m1")}
    rows = machine_rows(view(world(machine("m1"), machine("m2"), reports=twin)))
    assert [row["status"] for row in rows] == ["duplicate-id", "duplicate-id"]


def test_units_are_shown_as_systemd_reports_them_and_only_ours() -> None:
    there = reached("m1", state(WEB, "failed", "failed"), state("ssh.service"))
    rows = unit_rows(view(world(machine("m1"), units=[WEB], reports={"m1": there})))
    assert [(row["unit"], row["active"], row["sub"]) for row in rows] == [
        ("web.service", "failed", "failed")
    ]
    assert rows[0]["machine"] == f"{M1}/m1.example"
    assert rows[0]["hash"] == WEB.hash[:7]


def test_a_unit_on_a_machine_that_is_away_is_unknown_not_gone() -> None:
    here = world(machine("m1"), units=[WEB], placed={WEB.name: "m1"}, reports={"m1": silent()})
    (row,) = unit_rows(view(here, full=True))
    assert (row["active"], row["machine"]) == ("unknown", f"{machine_id('m1')}/m1.example")


@pytest.mark.parametrize(
    ("target", "there", "expected"),
    [
        (TargetState.LAUNCHED, state(WEB, invocation="a"), "launched"),
        (TargetState.LAUNCHED, state(WEB, "failed", "failed", invocation="a"), "launched"),
        (TargetState.LAUNCHED, state(WEB, "inactive", "dead"), "loaded"),
        (TargetState.LOADED, state(WEB, "inactive", "dead"), "loaded"),
        (TargetState.LOADED, state("web.service", "inactive", "dead"), "inactive"),
        (TargetState.LOADED, state(WEB), "launched"),
        (TargetState.LOADED, state(WEB, record=LOADED), "loaded"),
    ],
)
def test_the_current_state_is_derived_from_the_machine(
    target: TargetState, there: object, expected: str
) -> None:
    here = world(
        machine("m1"),
        units=[WEB],
        placed={WEB.name: "m1"},
        targets={WEB.name: target},
        reports={"m1": reached("m1", there)},  # type: ignore[arg-type]
    )
    (row,) = file_rows(view(here), here.units)
    assert (row["dstate"], row["state"]) == (str(target), expected)


def test_nobody_knows_the_state_of_a_unit_whose_machine_is_away() -> None:
    here = world(machine("m1"), units=[WEB], placed={WEB.name: "m1"}, reports={"m1": silent()})
    (row,) = file_rows(view(here), here.units)
    assert (row["state"], row["target"]) == ("", f"{M1}/m1.example")


def test_a_global_unit_has_no_one_machine_and_a_destroyed_one_no_row() -> None:
    everywhere, gone = unit("agent.service", is_global=True), unit("old.service")
    here = world(
        machine("m1"),
        units=[everywhere, gone],
        placed={everywhere.name: "m1", gone.name: "m1"},
        targets={gone.name: TargetState.ABSENT},
    )
    (row,) = file_rows(view(here), here.units)
    assert (row["unit"], row["target"], row["state"]) == ("agent.service", "global", "")


def test_a_cordoned_machine_is_shown_so_unless_worse_is_to_be_told() -> None:
    machines = [machine(name) for name in ("m1", "m2", "m3")]
    here = world(*machines, reports={"m2": silent()}, cordoned=["m1", "m2"])
    rows = machine_rows(view(here))
    assert [row["status"] for row in rows] == ["cordoned", "unreachable", "ready"]
    assert [row["cordoned"] for row in rows] == ["yes", "yes", "no"]


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0B"), (1023, "1023B"), (1024, "1.0K"), (25_000_000_000, "23.3G")]
)
def test_sizes_are_shown_in_the_largest_unit_that_fits(count: int, shown: str) -> None:
    assert size(count) == shown


def test_what_runs_its_old_text_is_marked_until_it_was_started_anew() -> None:
    record = replace(LOADED, target="launched", was="a1")
    shown = {"a1": "active", "b2": "active", "a1 ": "failed"}
    marks = []
    for invocation, active in shown.items():
        seen = state(WEB, active=active, invocation=invocation.strip(), record=record)
        here = world(machine("m1"), units=[WEB], placed={WEB.name: "m1"},
                     reports={"m1": reached("m1", seen)})  # fmt: skip
        marks += [row["old_text"] for row in unit_rows(view(here))]
    assert marks == ["yes", "no", "no"]

"""Explanations as people read them."""

from dataclasses import replace

from sshfleet.model.explanation import Explanation, Judged, Miss, Step
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from sshfleet.render.explain import Placed, explain_text
from tests.builders import machine_id

M1, M2 = MachineName("m1"), MachineName("m2")
RULES = (
    "ready", "open", "id", "metadata", "peers", "conflicts",
    "replaced", "circle", "name", "copies", "replaces",
)  # fmt: skip


def judged(name: str, /, *, here: bool = False, **against: tuple[str, ...]) -> Judged:
    return Judged(
        machine=MachineName(name),
        machine_id=machine_id(name),
        units=2,
        here=here,
        rules={word: against.get(word, ()) for word in RULES},
    )


NOWHERE = Explanation(
    unit=UnitName("a.service"),
    is_global=False,
    asked=("MachineMetadata=disk=ssd",),
    beside=(UnitName("b.service"),),
    places=(),
    machines=(
        judged("m1", metadata=("disk is hdd, not ssd",), name=("the name is taken",)),
        judged("m2", open=("is cordoned",)),
        judged("m3", ready=("unreachable: \x1b[2Jno",)),
    ),
    comes=(),
    leaves=(),
    pushes_off=(),
    misses=(Miss(("MachineMetadata=disk=ssd", "Conflicts=x"), (M1,)),),
)
RUNS = replace(NOWHERE, machines=(judged("m1"), judged("m2", here=True)), beside=(), misses=())


def test_a_unit_that_is_nowhere_hears_every_reason_and_the_nearest_misses() -> None:
    assert explain_text(NOWHERE, [], colour=False) == (
        "a.service cannot run on any of 3 machines\n"
        "it is placed together with b.service\n"
        "\n"
        "MACHINE  READY  OPEN  METADATA  NAME  UNITS  VERDICT\n"
        "m1       ok     ok    no        no    2      no\n"
        "m2       ok     no    ok        ok    2      no\n"
        "m3       no     ok    ok        ok    2      no\n"
        "\n"
        "m1  disk is hdd, not ssd\n"
        "    the name is taken\n"
        "m2  is cordoned\n"
        "m3  unreachable: \\x1b[2Jno\n"
        "\n"
        "nearest misses:\n"
        "  without MachineMetadata=disk=ssd and Conflicts=x  1 machine qualifies: m1\n"
        "  m2 qualifies once it is open: sshfleet uncordon m2\n"
        "  m3 qualifies once it can be used\n"
    )


def test_a_placed_unit_hears_since_when_why_and_whether_that_holds() -> None:
    found = replace(RUNS, places=(machine_id("m2"),))
    placed = Placed("m2", machine_id("m2"), "2026-11-23T12:00:01+00:00", "it was empty")
    assert explain_text(found, [placed], colour=False) == (
        "a.service is placed on m2 since 2026-11-23 12:00:01: it was empty\n"
        "its rules still let it run on m2\n"
        "\n"
        "MACHINE  READY  METADATA  UNITS  VERDICT\n"
        "m1       ok     ok        2      qualifies\n"
        "m2       ok     ok        2      is here\n"
    )


def test_a_unit_that_has_to_move_hears_why_and_where_to() -> None:
    found = replace(
        RUNS,
        places=(machine_id("m2"),),
        comes=(Step(M1, machine_id("m1"), "the only machine that qualifies"),),
        leaves=(Step(M2, machine_id("m2"), "disk is hdd, not ssd"),),
    )
    text = explain_text(found, [Placed("m2", machine_id("m2"), "", "")], colour=False)
    assert text.splitlines()[:3] == [
        "a.service is placed on m2",
        "it may not stay on m2: disk is hdd, not ssd",
        "a.service would move to m1: the only machine that qualifies",
    ]


def test_who_would_have_to_leave_for_it_is_told() -> None:
    step = Step(M1, machine_id("m1"), "the only machine that qualifies")
    found = replace(RUNS, comes=(step,), pushes_off=(UnitName("b.service"), UnitName("c.service")))
    assert explain_text(found, [], colour=False).splitlines()[:2] == [
        "a.service would be placed on m1: the only machine that qualifies",
        "for it other units would leave: b.service, c.service",
    ]


def test_where_nothing_helps_that_is_said() -> None:
    found = replace(NOWHERE, misses=(), machines=NOWHERE.machines[:1])
    assert explain_text(found, [], colour=False).endswith(
        "\n\nno rule, and no two together, could be left out to let it run\n"
    )


def test_many_machines_are_rows_and_their_reasons_are_grouped() -> None:
    every = tuple(judged(f"m{n:02}", metadata=("disk is hdd, not ssd",)) for n in range(20))
    text = explain_text(replace(NOWHERE, machines=every), [], colour=False)
    assert sum(line.startswith("m") for line in text.splitlines()) == 20
    assert "\n20 machines (m00, m01, m02, …)  disk is hdd, not ssd\n" in text


def test_a_fleet_without_machines_is_said() -> None:
    found = replace(NOWHERE, machines=(), misses=(), beside=())
    assert explain_text(found, [], colour=False) == "a.service cannot run: there is no machine\n"

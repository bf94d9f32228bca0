"""Unit-file differences: what is compared, with what, and how it is shown."""

from dataclasses import replace

from sshfleet.model.action import Action, Plan, Verb
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed, UnitState
from sshfleet.model.unit import Unit, UnitName
from sshfleet.render.changes import Seen
from sshfleet.render.diff import LONGEST, Difference, diff_lines, differences, unified
from tests.builders import desired, machine_id, reached, sha256, state, unit

BEFORE = unit("web.service", text="[Service]\nExecStart=/bin/a\n")
AFTER = unit("web.service", text="[Service]\nExecStart=/bin/b\n")
TEXTS = {each.sha256: each.text for each in (BEFORE, AFTER)}


def install(of: Unit, on: str) -> Action:
    return Action(
        machine=MachineName(on),
        machine_id=machine_id(on),
        verb=Verb.INSTALL,
        unit=of.name,
        reason="has a new text",
        sha256=of.sha256,
    )


def seen(before: list[Unit], after: list[Unit], there: dict[str, list[UnitState]]) -> Seen:
    reports = {MachineName(name): reached(name, *states) for name, states in there.items()}
    return Seen(desired(before), desired(after), Observed(reports))


def test_the_file_on_the_machine_is_compared_with_the_new_text() -> None:
    there = {"m1": [state(BEFORE, fragment="/run/sshfleet/units/web.service")]}
    (one,) = differences(Plan(actions=(install(AFTER, "m1"),)), seen([BEFORE], [AFTER], there))
    assert unified(one, TEXTS) == [
        "--- m1:/run/sshfleet/units/web.service",
        "+++ web.service",
        "@@ -1,2 +1,2 @@",
        " [Service]",
        "-ExecStart=/bin/a",
        "+ExecStart=/bin/b",
    ]


def test_a_registered_text_is_compared_when_no_machine_has_it() -> None:
    (one,) = differences(Plan(), seen([BEFORE], [AFTER], {}))
    assert unified(one, TEXTS)[:2] == ["--- web.service", "+++ web.service"]


def test_the_same_change_in_many_places_is_shown_once() -> None:
    names = ["w@1.service", "w@2.service"]
    before, after = ([replace(of, name=UnitName(n)) for n in names] for of in (BEFORE, AFTER))
    there = {"m1": [state(before[0])], "m2": [state(each) for each in before]}
    actions = [install(after[0], "m1"), install(after[0], "m2"), install(after[1], "m2")]
    (one,) = differences(Plan(actions=tuple(actions)), seen(before, after, there))
    assert unified(one, TEXTS)[0] == "--- m1:/etc/sshfleet/units/w@1.service (and 2 more)"


def test_a_file_that_is_not_there_yet_or_is_the_same_has_no_difference() -> None:
    plan = Plan(actions=(install(AFTER, "m1"), install(AFTER, "m2")))
    assert differences(plan, seen([], [AFTER], {"m1": [state(AFTER)], "m2": []})) == []


def test_a_drop_in_that_comes_or_goes_is_told_by_its_name() -> None:
    gone, extra = sha256("gone"), "[Service]\nNice=5\n"
    there = {"m1": [state(AFTER, dropins={"old.conf": gone})]}
    look = seen([AFTER], [AFTER], there)
    wanted = replace(look.after.units[AFTER.name], dropins={"new.conf": sha256(extra)})
    look = replace(look, after=replace(look.after, units={AFTER.name: wanted}))

    new, old = differences(Plan(actions=(install(AFTER, "m1"),)), replace(look, before=look.after))

    assert unified(new, {sha256(extra): extra}) == [
        "--- /dev/null",
        "+++ web.service.d/new.conf",
        "@@ -0,0 +1,2 @@",
        "+[Service]",
        "+Nice=5",
    ]
    assert unified(old, {}) == [
        "--- m1:/etc/sshfleet/units/web.service.d/old.conf",
        "+++ /dev/null",
        "(the text that is there could not be read)",
    ]


def difference(old: str, new: str) -> tuple[Difference, dict[str, str]]:
    one = Difference(
        unit=UnitName("web.service"),
        machine=MachineName("m1"),
        file="web.service",
        home="/etc/sshfleet/units/",
        old=sha256(old),
        new=sha256(new),
    )
    return one, {sha256(old): old, sha256(new): new}


def test_a_newline_that_is_missing_at_the_end_shows() -> None:
    assert unified(*difference("a\nb", "a\nb\n"))[3:] == [
        " a",
        "-b",
        "\\ No newline at end of file",
        "+b",
    ]


def test_a_text_too_long_to_compare_says_so() -> None:
    long = "".join(f"{number % 7}\n" for number in range(LONGEST + 1))
    assert unified(*difference(long, "a\n"))[2:] == [
        f"(too long to compare: {LONGEST + 1} lines before, 1 after)"
    ]


def test_colour_and_escapes_of_the_text_itself_do_nothing() -> None:
    lines = ["--- \x1b[1mm", "+++ w", "@@ -1 +1 @@", "-a\r", "+\x1b[31mb", " c", "--- d"]
    assert "".join(diff_lines(lines, colour=True)).splitlines() == [
        "\x1b[1m--- \\x1b[1mm\x1b[0m",
        "\x1b[1m+++ w\x1b[0m",
        "\x1b[36m@@ -1 +1 @@\x1b[0m",
        "\x1b[31m-a\\x0d\x1b[0m",
        "\x1b[32m+\\x1b[31mb\x1b[0m",
        " c",
        "\x1b[31m--- d\x1b[0m",
    ]
    assert "\x1b" not in "".join(diff_lines(lines, colour=False))

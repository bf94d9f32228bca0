"""Plans as people read them."""

from sshfleet.model.action import Action, Plan, Problem, Unplaceable, Verb, Waiting
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TargetState, UnitPlaced, UnitUnplaced
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Observed
from sshfleet.model.unit import Unit, UnitName
from sshfleet.render.changes import Seen, changes, counted
from sshfleet.render.plan import Shown, plan_text
from tests.builders import desired, machine_id, reached, state, unit

WEB, API, OLD = unit("web.service"), unit("api.service"), unit("old.service")
NOTHING = DesiredState()


def action(
    verb: Verb, of: Unit, on: str, why: str, target: TargetState = TargetState.LAUNCHED
) -> Action:
    return Action(
        machine=MachineName(on),
        machine_id=machine_id(on),
        verb=verb,
        unit=of.name,
        reason=why,
        target=target,
    )


def shown(plan: Plan, *, present: Unit | None = None, on: str = "m1") -> Shown:
    """Show a plan, with one unit present on a machine."""
    reports = {MachineName(on): reached(on, state(present))} if present else {}
    return Shown(plan=plan, changes=tuple(changes(plan, Seen(NOTHING, NOTHING, Observed(reports)))))


def placed(of: Unit, on: str, why: str) -> UnitPlaced:
    return UnitPlaced(of.name, machine_id(on), 1, why)


def test_one_line_for_each_unit_and_machine_aligned_with_reasons_and_a_summary() -> None:
    plan = Plan(
        decisions=(placed(WEB, "core-02", "least loaded of 3 machines that qualify (1 unit)"),),
        actions=(
            action(Verb.INSTALL, API, "m1", "has a new text"),
            action(Verb.RESTART, API, "m1", "a restart was asked for"),
            action(Verb.INSTALL, WEB, "core-02", "is not there yet"),
            action(Verb.START, WEB, "core-02", "is to run"),
            action(Verb.REMOVE, OLD, "m3", "destroyed", TargetState.ABSENT),
        ),
    )
    assert plan_text(shown(plan, present=API), colour=False) == (
        "~ api.service  restart on m1     has a new text\n"
        "- old.service  remove from m3    destroyed\n"
        "+ web.service  start on core-02  least loaded of 3 machines that qualify (1 unit)\n"
        "\n"
        "1 to start, 1 to restart, 1 to remove\n"
    )


def test_a_move_is_a_minus_and_a_plus_and_counts_as_one() -> None:
    plan = Plan(
        decisions=(
            UnitUnplaced(WEB.name, machine_id("m1"), "disk is hdd, not ssd"),
            placed(WEB, "m2", "the only machine that qualifies"),
        ),
        actions=(
            action(Verb.REMOVE, WEB, "m1", "moved to another machine"),
            action(Verb.INSTALL, WEB, "m2", "is not there yet"),
        ),
        waiting=(Waiting(WEB.name, MachineName("m2"), "it still runs on m1"),),
    )
    found = shown(plan, present=WEB)
    assert plan_text(found, colour=False) == (
        "- web.service  remove from m1  disk is hdd, not ssd\n"
        "+ web.service  start on m2     the only machine that qualifies\n"
        "\n"
        "1 to move\n"
    )
    assert counted(found.changes) == {"move": 1}


def test_nothing_to_do_is_one_line() -> None:
    assert plan_text(shown(Plan()), colour=False) == "nothing to do\n"


def test_what_stands_in_the_way_is_told_and_counted() -> None:
    plan = Plan(
        unplaceable=(Unplaceable(WEB.name, {MachineName("m1"): ("disk is hdd, not ssd",)}),),
        problems=(Problem(API.name, MachineName("m1"), "exited with code 3"),),
        waiting=(Waiting(API.name, MachineName("m2"), "starting"),),
        away=(Waiting(OLD.name, MachineName("m3"), "timed out"),),
    )
    assert plan_text(shown(plan), colour=False) == (
        "! api.service  on m1  exited with code 3\n"
        ". api.service  on m2  starting\n"
        "? old.service  on m3  cannot be reached (timed out)\n"
        "! web.service  cannot run on the only machine\n"
        "    m1  disk is hdd, not ssd\n"
        "\n"
        "nothing to do; 1 unit cannot be placed; 1 problem; 1 unit on a machine that is away\n"
    )


def test_a_terminal_gets_colour_and_the_same_text() -> None:
    plan = Plan(actions=(action(Verb.STOP, WEB, "m1", "is to be loaded, not running"),))
    plain = plan_text(shown(plan), colour=False)
    coloured = plan_text(shown(plan), colour=True)
    assert coloured.startswith("\x1b[31m- web.service\x1b[0m  stop on m1")
    assert coloured.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain


def test_words_of_a_machine_cannot_move_the_cursor() -> None:
    plan = Plan(problems=(Problem(WEB.name, MachineName("m1"), "\x1b[2Jboo\nfake line"),))
    assert plan_text(shown(plan), colour=False).splitlines()[0] == (
        r"! web.service  on m1  \x1b[2Jboo\nfake line"
    )


def test_when_all_was_refused_nothing_is_shown() -> None:
    found = Shown(plan=Plan(), changes=(), refused=(("web.service", "no"),))
    assert plan_text(found, colour=False) == ""


def test_what_changes_in_the_journal_alone_is_told() -> None:
    new = unit("web.service", text="# new\n[Service]\n")
    before = desired([WEB, OLD], targets={"web.service": TargetState.INACTIVE})
    after = desired([new, API], targets={"web.service": TargetState.INACTIVE})
    found = changes(Plan(), Seen(before, after, Observed()))
    assert [(one.kind, one.unit, one.reason) for one in found] == [
        ("register", "api.service", "a new unit"),
        ("forget", "old.service", "destroyed"),
        ("update", "web.service", "gets a new text"),
    ]


def test_cordoned_machines_are_changes_too() -> None:
    barred = DesiredState(cordoned=frozenset({MachineName("m1")}))
    (found,) = changes(Plan(), Seen(NOTHING, barred, Observed()))
    assert (found.kind, found.machine) == ("cordon", "m1")
    (found,) = changes(Plan(), Seen(barred, NOTHING, Observed()))
    text = plan_text(Shown(plan=Plan(), changes=(found,)), colour=False)
    assert text == "+ m1  uncordon  takes units again\n\n1 to uncordon\n"


def test_a_start_of_a_unit_that_is_there_says_why_it_does_not_run() -> None:
    plan = Plan(
        actions=(
            action(Verb.INSTALL, WEB, "m1", "is to start at boot"),
            action(Verb.START, WEB, "m1", "has not run since the machine booted"),
        )
    )
    (found,) = shown(plan, present=WEB).changes
    assert (found.kind, found.reason) == ("start", "has not run since the machine booted")


def test_a_file_that_was_edited_is_an_update() -> None:
    plan = Plan(actions=(action(Verb.INSTALL, WEB, "m1", "its file was edited there"),))
    (found,) = shown(plan, present=WEB).changes
    assert (found.kind, found.unit, found.reason) == (
        "update",
        UnitName("web.service"),
        "its file was edited there",
    )


def test_what_is_only_loaded_is_told_so() -> None:
    load = action(Verb.INSTALL, WEB, "m1", "is not there yet", TargetState.LOADED)
    (found,) = shown(Plan(actions=(load,))).changes
    assert found.kind == "load"

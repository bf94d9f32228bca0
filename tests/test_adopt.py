"""A journal that was lost, or is stale, is made good from what the machines hold."""

import asyncio
import itertools
from collections.abc import Callable, Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from sshfleet.adopt import Survey, survey, take
from sshfleet.model.event import JournalStarted, TargetState
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Unreachable
from sshfleet.model.owner import Signature
from tests.builders import machine
from tests.fakes import Killed, MemoryJournal, dying
from tests.stage import TEXT, Stage, quiet, service

ME = Signature("me@here", "now", "/journal.jsonl")
NAMES = ("m1", "m2", "m3")
GLOBAL = "Global=true"

Wanted = dict[str, tuple[TargetState, frozenset[str], str]]


def stage() -> Stage:
    return Stage(*(machine(name) for name in NAMES))


def lose_journal(here: Stage) -> MemoryJournal:
    lost = here.journal
    fresh = MemoryJournal()
    fresh.events = [JournalStarted("fedcba98")]
    work_with(here, fresh)
    return lost


def work_with(here: Stage, journal: MemoryJournal) -> None:
    here.journal = here.memory = journal


def copy_of(journal: MemoryJournal) -> MemoryJournal:
    copied = MemoryJournal()
    copied.events = list(journal.events)
    return copied


def adopt(
    here: Stage, only: Iterable[str] = NAMES
) -> tuple[Survey, dict[MachineName, Unreachable]]:
    machines = [one for one in here.fleet.machines if one.name in only]

    async def run() -> tuple[Survey, dict[MachineName, Unreachable]]:
        found = await survey(here.transport, here.fleet, here.journal.state, machines)
        return found, await take(here.transport, here.fleet, here.journal, found, ME)

    return asyncio.run(run())


def wanted(here: Stage) -> Wanted:
    """Return what is wanted of the units that belong on machines."""
    units = here.journal.state.units.items()
    return {
        name: (unit.target, frozenset(unit.placements), unit.content)
        for name, unit in units
        if unit.target.on_machine
    }


def starts(here: Stage) -> list[list[str]]:
    return [list(one.started) for one in here.machines.values()]


def test_a_lost_journal_is_made_good_and_nothing_is_started_or_stopped_for_it() -> None:
    here = stage()
    here.start(service("web.service"), service("db.service"), service("log.service", GLOBAL))
    here.change("stop", "db.service")
    before, began, runs = wanted(here), starts(here), here.running()
    lose_journal(here)
    found, missed = adopt(here)
    assert not missed
    assert [one.unit for one in found.adoption.units] == [
        "db.service",
        "log.service",
        "web.service",
    ]
    assert wanted(here) == before
    assert quiet(here.reconcile())
    assert (starts(here), here.running()) == (began, runs)


def test_who_had_the_machines_is_refused_from_then_on() -> None:
    here = stage()
    here.start(service("web.service"))
    lost = lose_journal(here)
    adopt(here)
    work_with(here, lost)
    result = here.change("stop", "web.service")
    assert here.running() == {"m1": {"web.service"}}
    assert "belongs to another journal" in result.plan.away[0].why


def test_a_machine_that_does_not_answer_can_be_adopted_later() -> None:
    here = stage()
    here.start(service("web.service"), service("db.service"))
    homes = {name for name, one in here.machines.items() if one.files}
    late = max(homes)
    lose_journal(here)
    here.transport.away = {late}
    found, _ = adopt(here)
    assert list(found.silent()) == [late]
    here.transport.away = set()
    adopt(here, only=[late])
    assert quiet(here.reconcile())
    assert wanted(here).keys() == {"web.service", "db.service"}


def test_a_machine_that_could_not_be_marked_is_marked_by_the_next_command() -> None:
    here = stage()
    here.start(service("web.service"))
    lose_journal(here)
    here.transport.hook = lambda name, run: (
        here.transport.away.add(name) if run and run.root else None
    )
    _, missed = adopt(here)
    assert list(missed) == ["m1"]
    here.transport.away, here.transport.hook = set(), lambda _name, _run: None
    assert quiet(here.reconcile())
    assert quiet(here.change("stop", "web.service"))
    assert here.running() == {}
    assert "fedcba98" in here.machines["m1"].owner
    assert "fedcba98" in here.machines["m1"].records["web.service"]


def test_a_text_that_cannot_be_read_leaves_its_unit_alone() -> None:
    here = stage()
    here.start(service("web.service"), service("db.service"))
    for one in here.machines.values():
        if "db.service" in one.files:
            one.files["db.service"] = b"[Service]\nExecStart=/bin/sleep \xff\n"
    lose_journal(here)
    found, _ = adopt(here)
    assert {one.unit: bool(one.why_not) for one in found.adoption.units} == {
        "db.service": True,
        "web.service": False,
    }
    assert wanted(here).keys() == {"web.service"}


def test_of_two_copies_the_older_one_is_left_over_and_removed() -> None:
    here = stage()
    here.start(service("web.service"))
    here.transport.away = {"m1"}
    old, other = here.machines["m1"], here.machines["m2"]
    other.files, other.records = dict(old.files), dict(old.records)
    other.dropins, other.boots = dict(old.dropins), set(old.boots)
    other.records["web.service"] = old.records["web.service"].replace(
        '"generation": 1', '"generation": 7'
    )
    other.power_cycle()
    here.transport.away = set()
    lose_journal(here)
    found, _ = adopt(here)
    assert [(one.machines, one.left) for one in found.adoption.units] == [(("m2",), ("m1",))]
    assert quiet(here.reconcile())
    assert here.running() == {"m2": {"web.service"}}


def test_what_a_newer_copy_of_the_journal_took_away_is_not_started_again() -> None:
    here = stage()
    here.start(service("web.service"), service("db.service"))
    backup = copy_of(here.journal)
    here.change("destroy", "db.service")
    here.change("stop", "web.service")
    work_with(here, backup)
    adopt(here)
    state = here.journal.state.units
    assert {name: unit.target for name, unit in state.items()} == {
        "db.service": TargetState.INACTIVE,
        "web.service": TargetState.LOADED,
    }
    assert quiet(here.reconcile())
    assert here.running() == {}


def test_an_adoption_that_is_killed_anywhere_is_finished_by_the_next() -> None:
    for step in itertools.count():
        here = stage()
        here.start(service("web.service"), service("db.service"), service("log.service", GLOBAL))
        before, began = wanted(here), starts(here)
        lose_journal(here)
        died = is_killed(here, step)
        adopt(here)
        assert wanted(here) == before
        assert quiet(here.reconcile())
        assert quiet(here.change("restart", "web.service"))
        assert starts(here) != began
        if not died:
            assert step > 10, "looks, texts, one append and marks were reached"
            return


def is_killed(here: Stage, steps: int) -> bool:
    """Adopt, and die before the step of that number; tell whether there is one."""
    set_hooks(here, dying(steps))
    try:
        adopt(here)
    except Killed:
        return True
    finally:
        set_hooks(here, lambda *_: None)
    return False


def set_hooks(here: Stage, hook: Callable[..., None]) -> None:
    here.transport.hook, here.journal.before = hook, hook
    for one in here.machines.values():
        one.hook = hook


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["start", "stop", "unload", "destroy", "restart", "replace"]),
        st.sampled_from(["web.service", "db.service", "log.service", "api.service"]),
    ),
    max_size=8,
)


def play(here: Stage, history: list[tuple[str, str]]) -> None:
    for turn, (verb, name) in enumerate(history):
        rules = (
            GLOBAL if name == "log.service" else "Conflicts=db*" if name == "api.service" else ""
        )
        if verb in ("start", "replace"):
            text = f"# {turn}\n{TEXT}" if verb == "replace" else TEXT
            here.start(service(name, rules, text))
        elif name in here.journal.state.units:
            here.change(verb, name)


@settings(max_examples=40)
@given(COMMANDS)
def test_whatever_was_on_the_machines_is_known_again_after_a_loss(
    history: list[tuple[str, str]],
) -> None:
    here = stage()
    play(here, history)
    here.reconcile()
    before, began, runs = wanted(here), starts(here), here.running()
    lose_journal(here)
    adopt(here)
    assert wanted(here) == before
    assert quiet(here.reconcile())
    assert (starts(here), here.running()) == (began, runs)


@settings(max_examples=40)
@given(COMMANDS, COMMANDS)
def test_a_stale_copy_that_takes_over_starts_and_stops_nothing(
    earlier: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    here = stage()
    play(here, earlier)
    backup = copy_of(here.journal)
    play(here, later)
    here.reconcile()
    held = {name for one in here.machines.values() for name in one.files}
    before = {name: found for name, found in wanted(here).items() if name in held}
    work_with(here, backup)
    adopt(here)
    assert {name: wanted(here).get(name) for name in before} == before

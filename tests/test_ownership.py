"""Several journals and the same machines: who may work there."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshfleet import looking
from sshfleet.errors import JournalError
from sshfleet.model.event import JournalStarted, MachineMarked
from sshfleet.model.observed import Trouble, Unreachable
from sshfleet.model.owner import owner_in
from sshfleet.model.step import Run
from tests.builders import machine, machine_id
from tests.fakes import Killed, MemoryJournal, dying
from tests.stage import TEXT, Stage, quiet, service

NAMES = ("m1", "m2", "m3")
OTHER = "fedcba98"
THEIRS = f'{{"lineage":"{OTHER}","mark":"1-00000000000000ff","turn":"1"}}'


def stage() -> Stage:
    return Stage(*(machine(name) for name in NAMES))


def other_journal(here: Stage) -> MemoryJournal:
    """Let another journal, which knows nothing, be at work on the same machines."""
    here.journal = MemoryJournal()
    here.journal.events = [JournalStarted(OTHER)]
    here.memory = here.journal
    return here.journal


def copy_of(journal: MemoryJournal) -> MemoryJournal:
    copied = MemoryJournal()
    copied.events = list(journal.events)
    return copied


def work_with(here: Stage, journal: MemoryJournal) -> None:
    here.journal = here.memory = journal


def done(here: Stage) -> list[Sequence[str]]:
    return [list(one.done) for one in here.machines.values()]


def test_a_machine_that_is_changed_bears_a_mark_that_was_durable_before() -> None:
    here = stage()
    here.start(service("web.service"))
    marked = [event for event in here.journal.events if isinstance(event, MachineMarked)]
    owner = owner_in(here.machines["m1"].owner)
    assert owner
    assert [(event.machine, event.mark, event.seen) for event in marked] == [
        (machine_id("m1"), owner.mark, "")
    ]
    assert not here.machines["m2"].owner


def test_a_machine_that_holds_nothing_any_more_is_nobodys() -> None:
    here = stage()
    here.start(service("web.service"))
    here.change("destroy", "web.service")
    assert not here.machines["m1"].owner
    other_journal(here)
    assert quiet(here.start(service("web.service")))


def test_a_run_that_has_nothing_to_do_writes_no_mark() -> None:
    here = stage()
    here.start(service("web.service"))
    before, owner = list(here.journal.events), here.machines["m1"].owner
    here.reconcile()
    assert (here.journal.events, here.machines["m1"].owner) == (before, owner)


def test_a_journal_that_knows_nothing_is_refused_where_another_one_works() -> None:
    here = stage()
    here.start(service("web.service"))
    before, journal = done(here), other_journal(here)
    with pytest.raises(JournalError, match="m1 belongs to another journal") as caught:
        here.start(service("db.service"))
    assert "adopt" in caught.value.hint
    assert done(here) == before
    assert not journal.state.units


def test_an_older_copy_of_a_journal_is_refused_everywhere() -> None:
    here = stage()
    here.start(service("web.service"), service("db.service"))
    backup = copy_of(here.journal)
    here.change("stop", "web.service")
    before = done(here)
    work_with(here, backup)
    with pytest.raises(JournalError, match="an old or a second copy"):
        here.change("stop", "db.service", "web.service")
    with pytest.raises(JournalError, match="an old or a second copy"):
        here.reconcile()
    assert done(here) == before


def test_of_two_copies_the_one_that_works_first_goes_on() -> None:
    here = stage()
    here.start(service("web.service"))
    first, second = here.journal, copy_of(here.journal)
    work_with(here, second)
    here.change("stop", "web.service")
    work_with(here, first)
    with pytest.raises(JournalError, match="an old or a second copy"):
        here.change("stop", "web.service")


def test_a_machine_made_from_the_disk_of_another_one_of_ours_is_no_stranger() -> None:
    here = stage()
    here.start(service("web.service"))
    here.machines["m2"].owner = here.machines["m1"].owner
    assert quiet(here.start(service("db.service")))
    assert here.running() == {"m1": {"web.service"}, "m2": {"db.service"}}


def test_a_machine_of_another_journal_is_left_alone_by_one_that_has_machines_of_its_own() -> None:
    here = stage()
    here.start(service("web.service"))
    here.machines["m2"].owner = THEIRS
    result = here.start(service("db.service"), service("api.service"))
    report = result.world.observed.reports["m2"]  # type: ignore[index]
    assert isinstance(report, Unreachable)
    assert report.trouble is Trouble.OWNED
    assert here.running().keys() == {"m1", "m3"}
    assert here.machines["m2"].owner == THEIRS


def test_what_stands_on_a_machine_that_another_journal_took_stays_placed() -> None:
    here = stage()
    here.start(service("web.service"), service("db.service"))
    held = {name: one for name, one in here.machines.items() if one.files}
    name, taken = next(iter(held.items()))
    taken.owner = taken.owner.replace('"lineage":"', '"lineage":"f').replace(
        '"mark":"1-', '"mark":"9-'
    )
    before = done(here)
    result = here.reconcile()
    assert [waiting.machine for waiting in result.plan.away] == [name]
    assert done(here) == before


def test_the_machine_itself_refuses_whoever_comes_second() -> None:
    here = stage()

    def other_one_is_faster(name: str, run: object) -> None:
        target = here.machines[name]
        if here.transport.journeys > 4 and not target.owner:
            target.owner = THEIRS

    here.transport.hook = other_one_is_faster
    result = here.start(service("web.service"))
    assert not here.running()
    assert [one.result for one in result.ended] == ["unknown", "unknown"]
    assert "belongs to another journal" in result.plan.away[0].why


def test_what_a_killed_run_had_set_going_may_end_late_and_nothing_is_done_twice() -> None:
    here = stage()
    here.start(service("web.service"))
    sent: list[Run] = []

    def dies_having_sent(name: str, run: Run | None) -> None:
        if run and run.root:
            sent.append(run)
            raise Killed

    def the_late_one_is_faster(name: str, run: Run | None) -> None:
        if run and run.root and sent:
            here.machines[name].answer(sent.pop().data)

    here.transport.hook = dies_having_sent
    with pytest.raises(Killed):
        here.start(service("web.service", text=f"# new\n{TEXT}"))
    here.transport.hook = the_late_one_is_faster
    assert quiet(here.reconcile())
    assert not sent
    assert here.machines["m1"].started == ["web.service"] * 2
    assert here.machines["m1"].files["web.service"].startswith(b"# new")


def test_a_machine_that_another_run_is_changing_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looking, "PAUSE", 0.0)
    here = stage()
    here.machines["m1"].busy = 3
    assert quiet(here.start(service("web.service")))
    assert here.machines["m1"].busy == 0
    assert here.running() == {"m1": {"web.service"}}


def test_a_machine_that_stays_busy_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looking, "BUSY", 0.0)
    here = stage()
    here.start(service("web.service"))
    here.machines["m1"].busy = 1000
    result = here.change("stop", "web.service")
    assert [waiting.why for waiting in result.plan.away] == ["another sshfleet is at work there"]
    assert here.running() == {"m1": {"web.service"}}


def test_a_machine_that_was_set_back_is_worked_on() -> None:
    here = stage()
    here.start(service("web.service"))
    owner, records = here.machines["m1"].owner, dict(here.machines["m1"].records)
    here.change("stop", "web.service")
    here.change("restart", "web.service")
    here.change("stop", "web.service")
    here.machines["m1"].owner, here.machines["m1"].records = owner, records
    assert quiet(here.reconcile())


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["start", "stop", "destroy", "reconcile"]),
            st.sampled_from(["web.service", "db.service"]),
            st.integers(1, 12),
        ),
        max_size=14,
    )
)
def test_whatever_journals_and_copies_do_no_unit_runs_twice(
    history: list[tuple[int, str, str, int]],
) -> None:
    here = stage()
    first = here.journal
    journals = {0: first, 1: other_journal(here)}
    for who, verb, name, steps in history:
        journals.setdefault(2, copy_of(first))
        work_with(here, journals[who])
        _until_killed(here, verb, name, steps)
        homes = [name for running in here.running().values() for name in running]
        assert len(homes) == len(set(homes))


def _until_killed(here: Stage, verb: str, name: str, steps: int) -> None:
    """Run a verb that dies after so many steps on machines."""
    die = dying(steps - 1)
    for one in here.machines.values():
        one.hook = die
    try:
        if verb == "start":
            here.start(service(name))
        elif verb == "reconcile":
            here.reconcile()
        elif name in here.journal.state.units:
            here.change(verb, name)
    except (JournalError, Killed):
        pass

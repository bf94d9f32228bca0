"""`reconcile --every` with fakes for time and machines: when cycles begin, and what they tell."""

import gc
import re
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sshfleet.cli.context import Context
from sshfleet.cli.notify import Supervisor
from sshfleet.cli.reconcile import turn
from sshfleet.cli.service import Clock, Cycles, next_due, serve
from sshfleet.cli.settings import Settings
from sshfleet.cli.signals import Interrupted
from sshfleet.errors import NoUsableKey
from sshfleet.model.event import TargetSet, TargetState, TextStored, UnitSubmitted
from sshfleet.model.unit import UnitName
from tests.builders import sha256
from tests.fake_machine import FakeMachine
from tests.fakes import FakeTransport
from tests.journal.lines import open_journal
from tests.stage import TEXT

if TYPE_CHECKING:
    from sshfleet.transport.base import Transport

INVENTORY = (
    "fleet: {name: test}\nmachines:\n  m1: {address: a.example}\n  m2: {address: b.example}\n"
)
WEB = "web.service"


class Time:
    """A clock that passes only when somebody sleeps or works."""

    def __init__(self) -> None:
        self.at = 100.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep)


class Heard(Supervisor):
    """A supervisor whose words are kept, with a watchdog of so many seconds."""

    def __init__(self, time: Time, watchdog: float = float("inf")) -> None:
        super().__init__({})
        self.time, self.words, self._watchdog = time, list[tuple[float, str]](), watchdog

    def _tell(self, *lines: str) -> None:
        self.words += [(self.time.at, line.partition("=")[0]) for line in lines]


def begun(time: Time, durations: list[float], every: float, supervisor: Supervisor) -> list[float]:
    """Return when cycles began that took so long, counted from the first."""
    start, left, found = time.at, list(durations), list[float]()

    def cycle() -> int:
        found.append(time.at - start)
        time.sleep(left.pop(0))
        return 0

    serve(cycle, every, lambda: not left, supervisor, time.clock())
    return found


def test_cycles_begin_at_fixed_distances_however_long_each_takes() -> None:
    time = Time()
    assert begun(time, [1, 9.5, 0, 10, 3], 10, Heard(time)) == [0, 10, 20, 30, 40]


def test_what_a_long_cycle_missed_is_not_made_up_for() -> None:
    time = Time()
    assert begun(time, [1, 35, 0, 0], 10, Heard(time)) == [0, 10, 50, 60]


def test_no_drift_after_many_cycles() -> None:
    due = 0.0
    for _ in range(100_000):
        due = next_due(due, 1.0, due + 0.3)
    assert due == 100_000


def test_the_watchdog_is_fed_while_waiting_but_not_in_a_cycle() -> None:
    time = Time()
    supervisor = Heard(time, watchdog=8)
    begun(time, [30, 1], 50, supervisor)
    fed = [at - 100 for at, word in supervisor.words if word == "WATCHDOG"]
    assert fed == [30, 34, 38, 42, 46, 50, 51]
    assert [word for _, word in supervisor.words][:2] == ["STATUS", "READY"]
    assert supervisor.words[-1][1] == "STOPPING"


def test_a_signal_while_waiting_ends_the_service_and_is_told() -> None:
    time = Time()
    supervisor = Heard(time)

    def sleep(_seconds: float) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        serve(lambda: 0, 10, lambda: False, supervisor, Clock(lambda: time.at, sleep))
    assert supervisor.words[-1] == (100.0, "STOPPING")


class Fleet(Context):
    """A context whose machines are fakes; inventory and journal are files."""

    transport: FakeTransport
    keyless = False

    def connect(
        self, *, early_files: bool = False, keep: bool = True
    ) -> "AbstractAsyncContextManager[Transport]":
        if self.keyless:
            raise NoUsableKey("the ssh-agent holds no key", hint="ssh-add")
        return self.transport


class Stage:
    """Cycles over fake machines, one unit wanted on one of them."""

    def __init__(self, folder: Path) -> None:
        self.inventory, self.path = folder / "inventory.yaml", folder / "j" / "journal.jsonl"
        self.inventory.write_text(INVENTORY)
        self.machines = {name: FakeMachine(name) for name in ("m1", "m2")}
        self.transport = FakeTransport(self.machines)
        self.settings = Settings(inventory=str(self.inventory), journal=str(self.path), timeout=5)
        self.keyless = False
        name = UnitName(WEB)
        with open_journal(self.path) as journal:
            journal.append(
                [
                    TextStored(sha256(TEXT), TEXT),
                    UnitSubmitted(name, sha256(TEXT)),
                    TargetSet(name, TargetState.LAUNCHED),
                ]
            )

    @cached_property
    def cycles(self) -> Cycles:
        """Return the cycles of a service; it writes to the stderr that it finds now."""
        return Cycles(self.fresh, lambda context: turn(context, None))

    def fresh(self) -> Context:
        context = Fleet(self.settings)
        context.transport, context.keyless = self.transport, self.keyless
        return context

    def home(self) -> FakeMachine:
        (found,) = [one for one in self.machines.values() if one.running()]
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_service_makes_things_so_and_is_silent_while_they_are(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stage.cycles.run() == 0
    out = capsys.readouterr().out
    assert f"+ {WEB} start on {stage.home().name}" in out
    assert [stage.cycles.run() for _ in range(3)] == [0, 0, 0]
    assert capsys.readouterr() == ("", "")

    home = stage.home()
    home.processes[WEB].active = "inactive"
    assert stage.cycles.run() == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert stage.home() is home


def test_a_trouble_that_lasts_is_told_once_and_so_is_its_end(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.cycles.run()
    stage.transport.away = {stage.home().name}
    capsys.readouterr()
    assert [stage.cycles.run() for _ in range(4)] == [3, 3, 3, 3]
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("error:") == 1
    assert WEB in told.err

    stage.transport.away = set()
    assert [stage.cycles.run() for _ in range(2)] == [0, 0]
    assert capsys.readouterr() == ("", "all is well again\n")


def test_the_inventory_is_read_anew_and_a_broken_one_skips_cycles(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.cycles.run()
    capsys.readouterr()
    stage.inventory.write_text("machines: [")
    assert [stage.cycles.run() for _ in range(3)] == [2, 2, 2]
    assert capsys.readouterr().err.count("error:") == 1
    stage.inventory.write_text(INVENTORY)
    assert stage.cycles.run() == 0


def test_a_missing_key_is_told_once_and_the_service_goes_on(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.keyless = True
    assert [stage.cycles.run() for _ in range(3)] == [77, 77, 77]
    assert capsys.readouterr().err == "error: the ssh-agent holds no key\nhint: ssh-add\n"
    stage.keyless = False
    assert stage.cycles.run() == 0


def test_a_damaged_journal_is_told_and_the_service_goes_on(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.cycles.run()
    capsys.readouterr()
    whole = stage.path.read_bytes()
    stage.path.write_bytes(b"garbage\n" + whole)
    assert [stage.cycles.run() for _ in range(2)] == [74, 74]
    assert capsys.readouterr().err.count("error:") == 1
    stage.path.write_bytes(whole)
    assert stage.cycles.run() == 0


def test_a_busy_journal_skips_cycles_with_one_note_and_troubles_stay_known(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.cycles.run()
    stage.transport.away = {stage.home().name}
    assert stage.cycles.run() == 3
    capsys.readouterr()
    with open_journal(stage.path):
        assert [stage.cycles.run() for _ in range(3)] == [75, 75, 75]
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("skipped: another sshfleet holds the journal")
    assert told.err.count("\n") == 1
    assert stage.cycles.run() == 3
    assert capsys.readouterr() == ("", "")


def test_between_cycles_the_journal_is_free(stage: Stage) -> None:
    stage.cycles.run()
    with open_journal(stage.path) as journal:
        journal.append([TargetSet(UnitName(WEB), TargetState.LOADED)])
    stage.cycles.run()
    assert not any(one.running() for one in stage.machines.values())


def test_a_bug_in_a_cycle_ends_the_service(stage: Stage) -> None:
    def broken(_context: Context) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Cycles(stage.fresh, broken).run()


def test_nothing_is_kept_from_cycle_to_cycle(stage: Stage) -> None:
    def objects() -> int:
        re.purge()  # which keeps up to 512, and each reply has a nonce of its own
        gc.collect()
        return len(gc.get_objects())

    stage.transport.away = {"m2"}
    for _ in range(30):
        stage.cycles.run()
    before = objects()
    for _ in range(100):
        stage.cycles.run()
    assert objects() - before < 100  # one object kept in each cycle would be as many

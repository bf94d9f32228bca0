"""The sweep: each step of each verb of the script goes wrong once, in every way it can.

    python -m tests.faults.sweep [--every K] [--seed N] [--minutes M]

The script is run again and again as a ring. In each round every verb meets its next fault; then
`reconcile` runs undisturbed, and it is checked that

- the machines are exactly what the journal says, and all rules of placement hold;
- the state is the one before the verb or the one after it, and the one after it if the verb ended
  with 0: what was acknowledged is not lost;
- no unit ever ran twice (the witness), and what is to be started exactly once was;
- the verb, if it has not happened, now does.

With `--every K` and the seed S each kind strikes the steps S + 1, S + 1 + K, S + 1 + 2K, …: runs
with the seeds 0 to K - 1 together are the whole sweep.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sshfleet.errors import ExitCode, JournalError
from sshfleet.lab import remove
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabSpec
from sshfleet.lab.waiting import holds
from tests.faults.fleet import Fleet, State
from tests.faults.points import Fault, Kind
from tests.faults.runner import Ended, Runner
from tests.faults.script import RING, Verb
from tests.lab.user import User

SAYS_SO_WITHIN = 20.0  # seconds for a process that was started to write its line

ENOUGH = 10  # failures: where so much is wrong, more of it tells nothing
BROKEN = 99  # the exit code of a child of `server` that failed itself

Tell = Callable[[str], None]


class Failed(Exception):
    """A point that was not survived, with its story."""


@dataclass(slots=True)
class Plan:
    """The faults that one verb has still to meet; a kind is over when no step is left for it."""

    faults: deque[Fault]
    every: int

    @classmethod
    def of(cls, every: int, seed: int) -> "Plan":
        """Plan the first fault of each kind."""
        first = seed % every + 1
        return cls(deque(Fault(kind, first) for kind in Kind), every)

    @classmethod
    def once(cls, faults: Iterable[Fault]) -> "Plan":
        """Plan these faults and no others."""
        return cls(deque(faults), 0)

    def next_after(self, fault: Fault) -> None:
        """Go on to the next step of this kind, once the others have had their turn."""
        if self.every:
            self.faults.append(Fault(fault.kind, fault.number + self.every))


@dataclass(slots=True)
class Tally:
    """What came of all points: by verb and kind, and the stories of those that did not survive."""

    points: Counter[tuple[str, Kind]] = field(default_factory=Counter)
    acknowledged: int = 0
    failures: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return the figures as a table."""
        lines = [f"{'':30}" + "".join(f"{verb.name:>16}" for verb in RING) + f"{'all':>8}"]
        for kind in Kind:
            row = [self.points[verb.name, kind] for verb in RING]
            lines.append(f"{kind:30}" + "".join(f"{n:16}" for n in row) + f"{sum(row):8}")
        count = self.points.total()
        lines.append(f"points: {count}, acknowledged all the same: {self.acknowledged}")
        lines.append(f"survived: {count - len(self.failures)} of {count}")
        return "\n".join(lines)


class Sweep:
    """One walk along the ring after the other."""

    def __init__(self, fleet: Fleet, runner: Runner, plans: dict[str, Plan], tell: Tell) -> None:
        self.fleet, self.runner, self.plans, self.tell = fleet, runner, plans, tell
        self.tally = Tally()

    def round(self) -> None:
        """Walk once along the ring; after a failure the next walk begins with nothing."""
        try:
            for verb in RING:
                if self.plans[verb.name].faults or verb.before != verb.after:
                    self._verb(verb)
        except Failed as failed:
            self.tally.failures.append(str(failed))
            self.tell(f"FAILED {failed}")
            self.fleet.wipe()

    def _verb(self, verb: Verb) -> None:
        """Let a verb meet faults until it has happened, or until none is left and it just runs."""
        self.fleet.forget_starts()
        verb.ready(self.fleet)
        plan = self.plans[verb.name]
        while plan.faults:
            fault = plan.faults.popleft()
            ended = self.runner.runs(self.fleet.user, *verb.words, fault=fault)
            if ended.struck:
                plan.next_after(fault)
                self.tally.points[verb.name, fault.kind] += 1
                self.tally.acknowledged += ended.code == 0
            if self._happened(verb, ended, f"{verb.name}: {fault.kind}, step {fault.number}"):
                return
        ended = self.runner.runs(self.fleet.user, *verb.words)
        if ended.code or self.fleet.state() != verb.after:
            raise Failed(f"{verb.name}, undisturbed: {ended}")

    def _happened(self, verb: Verb, ended: Ended, story: str) -> bool:
        """Reconcile and tell whether the verb has happened; raise Failed if anything is wrong."""
        reconciled = self.runner.runs(self.fleet.user, "reconcile")
        try:
            state, wrongs = self.fleet.state(), self.fleet.wrongs()
        except JournalError as damage:
            raise Failed(f"{story}: {damage}\n    {ended}") from damage
        wrongs += [f"reconcile: {reconciled}"] * (reconciled.code != 0)
        wrongs += ["it did not end when asked to"] * ended.forced
        wrongs += ["a bug was reported"] * (ended.code in (ExitCode.BUG, BROKEN))
        if state != verb.after:
            wrongs += [f"what was acknowledged is lost: {state}"] * (ended.code == 0)
            wrongs += [f"neither before nor after: {state}"] * (not _between(verb, state))
        wrongs += self._wrong_starts(verb, ended, happened=state == verb.after)
        if wrongs:
            raise Failed("\n    ".join([f"{story}: {ended}", *wrongs]))
        return state == verb.after

    def _wrong_starts(self, verb: Verb, ended: Ended, *, happened: bool) -> list[str]:
        """Say what was started too often, or not at all though the verb says so."""
        due = verb.starts if happened else frozenset()
        if ended.code == 0:
            due |= verb.restarts
        holds(lambda: self.fleet.starts().keys() >= due, SAYS_SO_WITHIN)
        starts = self.fleet.starts()
        wrongs = [f"never started: {one}" for one in sorted(due - starts.keys())]
        return wrongs + [
            f"started {starts[one]} times: {one}" for one in due & verb.starts if starts[one] > 1
        ]


def _between(verb: Verb, state: State) -> bool:
    """Tell whether all units are as they were before, or as they are to be."""
    return state in (verb.before, verb.after)


@contextmanager
def witness_fleet(name: str) -> Iterator[Fleet]:
    """Boot a lab for a sweep and be its user; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sshfleet-faults-") as folder:
        shared, home = Path(folder, "shared"), Path(folder, "user")
        shared.mkdir()
        home.mkdir()
        spec = LabSpec(
            name=name,
            suites=("bookworm", "trixie"),
            inventory=Path(folder, "inventory.yaml"),
            shared=shared,
        )
        try:
            lab = Lab.up(spec, tell)
            yield Fleet(lab, User.of(lab, home))
        finally:
            remove.down(name)


def main() -> int:
    """Sweep until no step is left, or the time is over; tell what came of it."""
    parser = argparse.ArgumentParser(prog="sweep", description="Let every step go wrong once.")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="of K steps, take one")
    parser.add_argument("--seed", type=int, default=0, help="which one")
    parser.add_argument("--minutes", type=float, default=1e6, help="end sooner")
    said = parser.parse_args()
    begun = time.monotonic()
    plans = {verb.name: Plan.of(said.every, said.seed) for verb in RING}
    with witness_fleet(f"sweep-{os.getpid()}") as fleet, Runner() as runner:
        sweep = Sweep(fleet, runner, plans, tell)
        while any(plan.faults for plan in plans.values()) and len(sweep.tally.failures) < ENOUGH:
            minutes = (time.monotonic() - begun) / 60
            left = sum(len(plan.faults) for plan in plans.values())
            tell(f"{minutes:5.1f} min  {sweep.tally.points.total():5} points  {left:2} kinds left")
            if minutes > said.minutes:
                tell("the time is over")
                break
            sweep.round()
    tell(sweep.tally.table())
    return bool(sweep.tally.failures)


def tell(line: str) -> None:
    """Say something to whoever watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""The soak: commands of all kinds in random order, each killed with -9 at a random time.

    python -m tests.faults.soak [--kills N] [--seed S]

The real program in a process of its own. A model knows what was acknowledged. After each command,
killed or not, `reconcile` runs, and it is checked that each unit is as it was before or as it was
to be, the latter if the command ended with 0; that the machines are exactly as the journal says;
that no unit ever ran twice; and that each process was started as often as it should: once for a
unit that is launched or gets a new text, never for one that runs on.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from subprocess import TimeoutExpired

from sshfleet.errors import ExitCode
from sshfleet.lab.waiting import holds
from sshfleet.model.event import TargetState
from tests.faults.fleet import NAMES, WITNESSES, Fleet, State, Wanted
from tests.faults.sweep import SAYS_SO_WITHIN, Failed, Tell, tell, witness_fleet
from tests.lab.user import LONGEST, Ended

TOGETHER = (
    ("solo.service", "follower.service"),  # the second goes where the first is
    ("left.service",),
    ("right.service",),
    ("worker@1.service",),
    ("agent.service",),
)
"""What is named in one breath."""

INACTIVE, LOADED, LAUNCHED = TargetState.INACTIVE, TargetState.LOADED, TargetState.LAUNCHED
# For each verb, in which state it may find a unit (None: not registered), and what it makes of it.
VERBS: dict[str, tuple[frozenset[TargetState | None], TargetState | None]] = {
    "submit": (frozenset({None}), INACTIVE),
    "load": (frozenset({None, INACTIVE}), LOADED),
    "start": (frozenset({None, INACTIVE, LOADED}), LAUNCHED),
    "start --replace": (frozenset({None, INACTIVE, LOADED, LAUNCHED}), LAUNCHED),
    "restart": (frozenset({LAUNCHED}), LAUNCHED),
    "stop": (frozenset({LAUNCHED}), LOADED),
    "unload": (frozenset({LOADED, LAUNCHED}), INACTIVE),
    "destroy": (frozenset({INACTIVE, LOADED, LAUNCHED}), None),
    "reconcile": (frozenset({None, INACTIVE, LOADED, LAUNCHED}), None),
}
USUAL = 2.0  # seconds a command takes at first; then what was seen
LATE = 1.3  # times the usual: the latest moment of a kill
LONGER = 1.4  # times the usual: what a command is taken for that had not ended when it was killed


@dataclass(slots=True)
class Figures:
    """What came of it so far."""

    commands: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    happened: int = 0  # though killed

    def line(self) -> str:
        """Return all of it in one line."""
        killed, count = self.killed.total(), self.commands.total()
        return (
            f"{count} commands, {killed} killed, {count - killed} ended by themselves; "
            f"{self.happened} of those killed had made their mark"
        )


class Soak:
    """One long story."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet, self.figures = fleet, Figures()
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated
        self._state: State = {}
        self._version = 0
        self._usual = dict.fromkeys(VERBS, USUAL)

    def step(self) -> None:
        """Kill one more command, and look; raise Failed."""
        verb, names = self._chosen()
        after = self._after(verb, names)
        self._write_units(after)
        self.fleet.forget_starts()
        words = verb.split() if verb == "reconcile" else [*verb.split(), *names]
        ended = self._killed(verb, words)
        again = self.fleet.user.runs("reconcile")
        wrongs = [f"reconcile: {again}"] * (again.code != 0) + self.fleet.wrongs()
        wrongs += ["a bug was reported"] * (ended.code == ExitCode.BUG)
        state = self.fleet.state()
        wrongs += self._lost(state, after, ended)
        wrongs += self._wrong_starts(state, verb, names, ended)
        if wrongs:
            raise Failed("\n    ".join([f"{' '.join(words)}: {ended}", *wrongs]))
        self.figures.happened += ended.code < 0 and state == after != self._state
        self._state = state

    def _chosen(self) -> tuple[str, list[str]]:
        """Choose a verb, and units for which it means something."""
        while True:
            verb = self._chance.choice(list(VERBS))
            groups = self._chance.sample(TOGETHER, self._chance.randint(1, len(TOGETHER)))
            names = sorted(name for group in groups for name in group)
            found = {self._target(name) for name in names}
            if found <= VERBS[verb][0]:
                return verb, names

    def _target(self, name: str) -> TargetState | None:
        return self._state[name].target if name in self._state else None

    def _after(self, verb: str, names: list[str]) -> State:
        """Return what is to become of the units."""
        if verb == "reconcile":
            return self._state
        target = VERBS[verb][1]
        if target is None:
            return {name: one for name, one in self._state.items() if name not in names}
        self._version += 1
        fresh = Wanted(target, f"v{self._version}")
        keeps = verb != "start --replace"
        return {
            **self._state,
            **{
                name: Wanted(target, self._state[name].version)
                if keeps and name in self._state
                else fresh
                for name in names
            },
        }

    def _write_units(self, after: State) -> None:
        for name in NAMES:
            self.fleet.write_unit(name, after[name].version if name in after else "none")

    def _killed(self, verb: str, words: list[str]) -> Ended:
        """Run a command and kill it at a random time, unless it has ended by then."""
        when = self._chance.uniform(0, self._usual[verb] * LATE)
        begun = time.monotonic()
        with self.fleet.user.begins(*words) as process:
            with suppress(TimeoutExpired):
                process.communicate(timeout=when)
            process.kill()
            stdout, stderr = process.communicate(timeout=LONGEST)
        seconds = time.monotonic() - begun
        self.figures.commands[verb] += 1
        self.figures.killed[verb] += process.returncode < 0
        # Kills are to come at all moments, however busy this computer is.
        longer = seconds if process.returncode >= 0 else self._usual[verb] * LONGER
        self._usual[verb] += (longer - self._usual[verb]) / 2
        return Ended(process.returncode, stdout, stderr, seconds)

    def _lost(self, state: State, after: State, ended: Ended) -> list[str]:
        if ended.code == 0:
            return [f"what was acknowledged is lost: {state}"] * (state != after)
        strange = [
            name
            for name in NAMES
            if state.get(name) not in (self._state.get(name), after.get(name))
        ]
        return [f"neither before nor after: {name}: {state.get(name)}" for name in strange]

    def _wrong_starts(self, state: State, verb: str, names: list[str], ended: Ended) -> list[str]:
        """Say which witness was started more often or less often than it should."""
        due: dict[str, range] = {}
        for name in WITNESSES:
            is_, was = state.get(name), self._state.get(name)
            if is_ is None or is_.target is not LAUNCHED:
                continue
            count = range(int(is_ != was), int(is_ != was) + 1)
            if verb == "restart" and name in names:
                count = range(int(ended.code == 0), 2)
            due[f"{name} {is_.version}"] = count

        def wrongs() -> list[str]:
            starts = self.fleet.starts()
            return [
                f"started {starts[one]} times: {one}" for one in due if starts[one] not in due[one]
            ]

        holds(lambda: not wrongs(), SAYS_SO_WITHIN)
        return wrongs()


def main() -> int:
    """Kill as many commands as asked, and tell what came of it."""
    parser = argparse.ArgumentParser(prog="soak", description="Kill commands at random times.")
    parser.add_argument("--kills", type=int, default=500, metavar="N")
    parser.add_argument("--seed", type=int, default=None, help="that of a run to be repeated")
    said = parser.parse_args()
    seed = said.seed if said.seed is not None else int.from_bytes(os.urandom(4), "big")
    tell(f"seed {seed}")
    with witness_fleet(f"soak-{os.getpid()}") as fleet:
        return soak(Soak(fleet, seed), said.kills, tell)


def soak(one: Soak, kills: int, tell: Tell) -> int:
    """Go on until so many commands were killed; 1 when something was wrong."""
    told = 0
    while one.figures.killed.total() < kills:
        try:
            one.step()
        except Failed as failed:
            tell(f"FAILED after {one.figures.line()}\n{failed}")
            return 1
        if (killed := one.figures.killed.total()) >= told + 10:
            told = killed
            tell(one.figures.line())
    tell(f"all well: {one.figures.line()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

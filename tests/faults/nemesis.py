"""The nemesis: whatever can befall a fleet befalls it at random, and what was promised must hold.

    python -m tests.faults.nemesis [--minutes M] [--seed S] [--machines N] [--units U]

`reconcile --every 1` looks all the time, and is killed and stopped; machines are cut off, switched
off, frozen and meddled with; somebody types commands. Each unit's process bears witness of itself,
by a clock that all machines of a lab share. Checked are, each minute and at the end:

- I1: no unit with Failover=manual or lease ever ran on two machines at once;
- I2: when all faults are over, all is as wanted after a few cycles;
- I4: what started on a machine had been placed there before, by the journal;
- a command that ended with 0 has happened, and is not lost.

What is not tried: clocks that are set (machines of a lab have that of this computer), and leased
units on machines frozen for longer than the lease (evidence.py, rule 2).
"""

import argparse
import os
import random
import sys
import time

from tests.faults import inspection
from tests.faults.crew import crew
from tests.faults.customer import Customer
from tests.faults.ground import Ground, take_place
from tests.faults.judge import Seen, broken, changes, moves
from tests.faults.keeper import Keeper
from tests.faults.mischief import Mischief, now
from tests.faults.sweep import Tell, tell

LEASE, LOST_AFTER = 8, 5  # seconds
LEASE_AT_THE_END = 300  # seconds: single runs follow each other, on a busy computer
AT_ONCE = 2  # faults
PAUSE = (0.0, 8.0)  # seconds between two faults
SUFFERS = (10.0, 60.0)  # seconds between two things that befall the controller, without which
# nothing is under a lease for long
TICK = 0.2  # seconds
CYCLES_AT_THE_END = 6


class Nemesis:
    """A fleet, and all that goes wrong with it."""

    def __init__(self, ground: Ground, seed: int, say: Tell) -> None:
        self.ground, self._say = ground, say
        self.lab, self.user, self.journal = ground.lab, ground.user, ground.journal
        self.members, self.witness, self.story = ground.members, ground.witness, ground.story
        self._give_leases_of(LEASE)
        chances = [random.Random(f"{seed} {who}") for who in ("faults", "keeper", "user", "times")]  # noqa: S311 - to be repeated
        faults, suffering, typing, self._chance = chances
        self.mischief = Mischief(self.lab, faults, self.story)
        self.keeper = Keeper(self.user, suffering, self.story)
        self.customer = Customer(
            self.user, self.members, self.witness, self.mischief, typing, self.story
        )

    def run(self, minutes: float) -> list[str]:
        """Let everything go wrong for a while; return what was not as promised."""
        ended = self.ground.start_all()
        if ended.code:
            return [f"start: {ended}"]
        self.keeper.start()
        self.customer.start()
        wrongs = self._storm(now() + minutes * 60)
        self._say("all faults end")
        self._calm()
        return wrongs or self._settled() or self.broken()

    def broken(self) -> list[str]:
        """Return what was promised and did not hold, so far."""
        found = broken(self.members, self._seen(), LEASE)
        return found + self.customer.check()

    def line(self) -> str:
        """Return the figures."""
        counts = " ".join(f"{kind} {count}" for kind, count in sorted(self.story.counts.items()))
        return (
            f"{counts}; {moves(self.journal)}, cycles {self.keeper.cycles}, "
            f"acknowledged {self.customer.acknowledged}, processes {len(self.witness.lives())}"
        )

    def _storm(self, end: float) -> list[str]:
        strike, suffer, look = now(), now() + self._chance.uniform(*SUFFERS), now() + 60
        while now() < end:
            if wrongs := self.keeper.tick():
                return wrongs
            self.mischief.undo_due()
            if len(self.mischief.active) < AT_ONCE and now() >= strike:
                self.mischief.strike()
                strike = now() + self._chance.uniform(*PAUSE)
            if now() >= suffer:
                self.keeper.suffer()
                suffer = now() + self._chance.uniform(*SUFFERS)
            if now() >= look:
                self._say(self.line())
                look = now() + 60
                if wrongs := self.broken():
                    return wrongs
            time.sleep(TICK)
        return []

    def _calm(self) -> None:
        """Undo all faults, and let nobody type."""
        self.mischief.undo_due(at_once=True)
        self.keeper.go_on()
        self.customer.go()
        self.keeper.stop()
        self._give_leases_of(LEASE_AT_THE_END)
        for machine in self.lab.machines:
            self.lab.boot(machine.name)
            self.user.runs("uncordon", machine.name)

    def _settled(self) -> list[str]:
        """Reconcile until nothing is left to do; return what is wrong then."""
        for cycle in range(1, CYCLES_AT_THE_END + 1):
            ended = self.user.runs("reconcile")
            if (ended.code, ended.stdout, ended.stderr) == (0, "", ""):
                self._say(f"all is said to be well after {cycle} cycles")
                return [f"I2: {one}" for one in self._inspected()]
            self._say(f"cycle {cycle}: {ended.code}\n{ended.stdout}{ended.stderr}".rstrip())
        return [f"I2: not at rest after {CYCLES_AT_THE_END} cycles", *self._inspected()]

    def _inspected(self) -> list[str]:
        return inspection.wrongs(self.lab, self.journal, self.members)

    def _seen(self) -> Seen:
        lives, complaints = self.witness.lives(), self.witness.complaints()
        return Seen(lives, complaints, self.mischief.freezes(), changes(self.journal))

    def _give_leases_of(self, seconds: int) -> None:
        self.ground.write_policy(f"mode: manual, lease: {seconds}s, lost_after: {LOST_AFTER}s")


def main() -> int:
    """Run for as long as asked."""
    parser = argparse.ArgumentParser(prog="nemesis", description="Let everything go wrong.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--machines", type=int, default=10)
    parser.add_argument("--units", type=int, default=30)
    said = parser.parse_args()
    tell(f"seed {said.seed}")

    def happens(ground: Ground) -> list[str]:
        one = Nemesis(ground, said.seed, tell)
        try:
            return one.run(said.minutes)
        finally:
            one.keeper.kill()
            tell(one.line())

    return take_place("nemesis", said.machines, crew(said.units), happens)


if __name__ == "__main__":
    sys.exit(main())

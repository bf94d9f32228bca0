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
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

from sshfleet.lab import remove
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabSpec
from tests.faults import inspection
from tests.faults.crew import Witness, crew, write
from tests.faults.customer import Customer
from tests.faults.judge import Seen, broken, changes, moves
from tests.faults.keeper import Keeper
from tests.faults.mischief import Mischief, Story, now
from tests.faults.sweep import Tell, tell
from tests.lab.user import User

LEASE, LOST_AFTER = 8, 5  # seconds
POLICY = "failover: {{mode: manual, lease: {lease}s, lost_after: {lost_after}s}}\n"
LEASE_AT_THE_END = 300  # seconds: single runs follow each other, on a busy computer
AT_ONCE = 2  # faults
PAUSE = (0.0, 8.0)  # seconds between two faults
SUFFERS = (10.0, 60.0)  # seconds between two things that befall the controller, without which
# nothing is under a lease for long
TICK = 0.2  # seconds
CYCLES_AT_THE_END = 6
LAST = 60  # lines of the story that are told
ID = re.compile("[0-9a-f]{32}")  # of a machine


class Nemesis:
    """A fleet, and all that goes wrong with it."""

    def __init__(self, lab: Lab, user: User, units: int, seed: int, say: Tell) -> None:
        assert lab.state.spec.shared is not None
        self.lab, self.user, self.seed, self._say = lab, user, seed, say
        self.journal = user.folder / "journal" / "journal.jsonl"
        user.variables["SSHFLEET_JOURNAL"] = str(self.journal)
        user.variables["SSHFLEET_INVENTORY"] = str(user.folder / "inventory.yaml")
        user.variables["SSHFLEET_SSH_TIMEOUT"] = "2"
        self._inventory(LEASE)
        self.members, self.story = crew(units), Story(user.folder / "story")
        self.witness = Witness(lab.state.spec.shared, self.members)
        chances = [random.Random(f"{seed} {who}") for who in ("faults", "keeper", "user", "times")]  # noqa: S311 - to be repeated
        faults, suffering, typing, self._chance = chances
        self.mischief = Mischief(lab, faults, self.story)
        self.keeper = Keeper(user, suffering, self.story)
        self.customer = Customer(
            user, self.members, self.witness, self.mischief, typing, self.story
        )

    def run(self, minutes: float) -> list[str]:
        """Let everything go wrong for a while; return what was not as promised."""
        for member in self.members:
            write(self.user, member, 1)
        ended = self.user.runs("start", *(member.name for member in self.members))
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
        self._inventory(LEASE_AT_THE_END)
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

    def _inventory(self, lease: int) -> None:
        policy = POLICY.format(lease=lease, lost_after=LOST_AFTER)
        self.user.writes("inventory.yaml", self.lab.inventory.read_text() + policy)


def named(lines: Iterable[object], names: Mapping[str, str]) -> list[str]:
    """Return the lines with the names of machines instead of their IDs."""
    return [ID.sub(lambda found: names.get(found[0], found[0]), str(line)) for line in lines]


def tell_story(one: Nemesis, wrongs: list[str], folder: Path) -> None:
    """Tell all that helps to find out why, and keep the logs."""
    names = {machine.machine_id: machine.name for machine in one.lab.machines}
    tell(f"FAILED, seed {one.seed}; logs are kept in {folder}")
    tell("\n".join(named([*wrongs[:LAST], "what happened last:", *one.story.lines[-LAST:]], names)))
    lives = sorted(one.witness.lives())
    for member in one.members:
        if any(member.name in wrong for wrong in wrongs):
            tell(f"{member.name}:")
            tell("\n".join(named((life for life in lives if life.unit == member.name), names)))
            history = one.user.runs("history", "-l", "--unit", member.name).stdout
            tell("\n".join(named(history.splitlines(), names)))
    for machine in one.lab.machines:
        one.lab.boot(machine.name)
        log = one.lab.run(machine.name, "journalctl", "--no-pager", "-o", "short-precise")
        (folder / f"{machine.name}.log").write_bytes(log.stdout)


def nemesis(said: argparse.Namespace, folder: Path) -> int:
    """Boot the lab, run, and tell; 1 when something was wrong."""
    home, shared = folder / "user", folder / "shared"
    home.mkdir()
    shared.mkdir()
    spec = LabSpec(
        name=f"nemesis-{os.getpid()}",
        count=said.machines,
        suites=("bookworm", "trixie"),
        inventory=folder / "inventory.yaml",
        shared=shared,
    )
    try:
        lab = Lab.up(spec, tell)
        one = Nemesis(lab, User.of(lab, home), said.units, said.seed, tell)
        try:
            wrongs = one.run(said.minutes)
        except Exception:
            wrongs = [f"the nemesis itself broke:\n{traceback.format_exc()}"]
        finally:
            one.keeper.kill()
        tell(one.line())
        if wrongs:
            tell_story(one, wrongs, folder)
    finally:
        remove.down(spec.name)
    return bool(wrongs)


def main() -> int:
    """Run for as long as asked."""
    parser = argparse.ArgumentParser(prog="nemesis", description="Let everything go wrong.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--machines", type=int, default=10)
    parser.add_argument("--units", type=int, default=30)
    said = parser.parse_args()
    tell(f"seed {said.seed}")
    folder = Path(tempfile.mkdtemp(prefix="sshfleet-nemesis-"))
    failed = nemesis(said, folder)
    if not failed:
        shutil.rmtree(folder)
        tell("all well")
    return failed


if __name__ == "__main__":
    sys.exit(main())

"""The partitions: machines are cut off and healed at random times around the end of their leases.

    python -m tests.faults.partitions [--cuts N] [--seed S] [--machines M]

`reconcile --every 1` looks all the time. Each machine has a unit under a lease of 10 s, whose
process bears witness of itself, by a clock that all machines of a lab share. In each round as many
machines are cut off as may be silent at once without freezing everything; each is healed at a time
of its own. When all is at rest again it is checked that

- no unit ever ran on two machines at once, and none where the journal had not placed it;
- what was cut off for long enough ended by itself, in time, and not before its lease;
- what moved moved once, and began elsewhere only after it had ended; what was healed before that
  stayed, and was started again at most once, if it had ended;
- nothing befell the units of the other machines.

A round in which this computer was too busy to look three times in the length of a lease, as leases
ask for, is checked for the first of these only, and another one takes its place.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterable, Mapping

from sshfleet.journal.store import read_state
from sshfleet.lab.waiting import holds
from sshfleet.model.unit import UnitName
from sshfleet.plan.failover import FEW
from sshfleet.unitfile.read import read_text
from tests.faults.crew import leased
from tests.faults.cuts import RENEWED, Cut, Figures, Limits, cases, disturbed, oldest_lease, wrongs
from tests.faults.evidence import TICK, Life
from tests.faults.ground import Ground, take_place
from tests.faults.judge import Seen, broken, changes, renewals
from tests.faults.keeper import Keeper
from tests.faults.mischief import now
from tests.faults.sweep import Tell, tell

LEASE, LOST_AFTER = 10, 3  # seconds
STOPPING = 2  # seconds a unit may take to stop
AT_REST_WITHIN = 90.0  # seconds
LOOKS = 3  # cycles after the last heal: what was to come has come
TOO_BUSY = 8  # rounds
PAUSE = 0.05  # seconds


class Partitions:
    """A fleet of leased units, and cables that are pulled."""

    def __init__(self, ground: Ground, seed: int, say: Tell) -> None:
        self.ground, self._say, self.figures = ground, say, Figures()
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated
        self.keeper = Keeper(ground.user, self._chance, ground.story)
        first = ground.members[0]
        trusted = read_text(UnitName(first.name), first.text(1)).leasing.seconds
        self._limits = Limits(LEASE, STOPPING, trusted)
        self._names = {one.machine_id: one.name for one in ground.lab.machines}
        self._at_once = max(1, int(FEW * len(self._names)))

    def run(self, cuts: int) -> list[str]:
        """Pull cables so often; return what was not as promised."""
        self.ground.write_policy(f"lease: {LEASE}s, lost_after: {LOST_AFTER}s")
        ended = self.ground.start_all()
        if ended.code:
            return [f"start: {ended}"]
        self.keeper.start()
        found = self._rest()
        while not found and self.figures.cuts < cuts:
            found = self._round(min(self._at_once, cuts - self.figures.cuts))
            self._say(self.figures.line())
        return found or self._at_the_end()

    def _round(self, count: int) -> list[str]:
        begun, homes = now(), self._homes()
        done = self._pull(self._chance.sample(sorted(set(homes.values())), count))
        if isinstance(done, str):
            return [done]
        found = self._rest()
        seen = self._seen()
        found += broken(self.ground.members, seen, LEASE)
        renewed = renewals(self.ground.journal)
        off = {cut.machine for cut in done}
        untouched = {unit: home for unit, home in homes.items() if home not in off}
        if _too_old(renewed, begun, untouched.values()):
            self.figures.too_busy += 1
            return found or ["this computer is too busy"] * (self.figures.too_busy > TOO_BUSY)
        new = list(cases(done, homes, seen, renewed))
        self.figures.cuts += count
        self.figures.cases += new
        found += disturbed(begun, untouched, seen)
        return found + [wrong for case in new for wrong in wrongs(case, self._limits)]

    def _seen(self) -> Seen:
        lives, complaints = self.ground.witness.lives(), self.ground.witness.complaints()
        return Seen(lives, complaints, [], changes(self.ground.journal))

    def _pull(self, machines: list[str]) -> list[Cut] | str:
        """Cut machines off, and heal each at its time; say so if nobody looks any more."""
        begun, due = {}, {}
        for machine in machines:
            self.ground.lab.partition(self._names[machine])
            begun[machine] = now()
            due[machine] = now() + self._limits.heals_after(self._chance)
            self._note("cut", machine)
        cuts = []
        while due:
            if wrong := self.keeper.tick():
                return wrong[0]
            for machine in [one for one in due if now() >= due[one]]:
                cuts.append(Cut(machine, begun[machine], now()))
                self.ground.lab.heal(self._names[machine])
                self._note("heal", machine)
                del due[machine]
            time.sleep(PAUSE)
        return cuts

    def _rest(self) -> list[str]:
        """Wait until each unit runs once and somebody has looked at that; say what is wrong."""
        looks = self.keeper.cycles + LOOKS
        wrong: list[str] = []

        def at_rest() -> bool:
            wrong[:] = self.keeper.tick()
            return bool(wrong) or (self.keeper.cycles >= looks and not self._restless())

        if not holds(at_rest, AT_REST_WITHIN):
            return [f"not at rest: {one}" for one in self._restless()] or ["nobody looks"]
        return wrong

    def _restless(self) -> list[str]:
        """Name the units that do not run exactly once, where the journal has them."""
        units, moment = read_state(self.ground.journal)[0].units, now()
        alive: dict[str, list[Life]] = {}
        for life in self.ground.witness.lives():
            if life.last > moment - TICK:
                alive.setdefault(life.unit, []).append(life)
        return [
            f"{name} is at {sorted(unit.placements)}, held by {sorted(unit.holders)}, {runs}"
            for name, unit in units.items()
            for runs in [alive.get(name, [])]
            if len(runs) != 1 or not {runs[0].machine} == unit.placements == unit.holders
        ]

    def _homes(self) -> dict[str, str]:
        """Return on which machine each unit is."""
        units = read_state(self.ground.journal)[0].units
        return {str(name): next(iter(unit.placements)) for name, unit in units.items()}

    def _at_the_end(self) -> list[str]:
        """Say what a last look finds to do."""
        self.keeper.stop()
        ended = self.ground.user.runs("reconcile", SSHFLEET_SSH_TIMEOUT="20")
        quiet = (ended.code, ended.stdout, ended.stderr) == (0, "", "")
        return [] if quiet else [f"not as wanted in the end: {ended}"]

    def _note(self, kind: str, machine: str) -> None:
        self.ground.story.tell(kind, self._names[machine])


def _too_old(renewed: Mapping[str, list[float]], begun: float, machines: Iterable[str]) -> bool:
    """Tell whether leases got old on machines because nobody could look often enough."""
    ended = now()
    return any(oldest_lease(renewed[one], begun - RENEWED, ended) > RENEWED for one in machines)


def main() -> int:
    """Pull cables as often as asked."""
    parser = argparse.ArgumentParser(prog="partitions", description="Cut machines off and heal.")
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--machines", type=int, default=20)
    said = parser.parse_args()
    tell(f"seed {said.seed}")

    def happens(ground: Ground) -> list[str]:
        one = Partitions(ground, said.seed, tell)
        try:
            return one.run(said.cuts)
        finally:
            one.keeper.kill()

    return take_place("partitions", said.machines, leased(said.machines, STOPPING), happens)


if __name__ == "__main__":
    sys.exit(main())

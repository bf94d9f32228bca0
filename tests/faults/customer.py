"""Somebody who types commands while everything goes wrong, and keeps count of what was promised.

Rule 1: a command that ends with 0 has happened: the journal says so at once and from then on.
Rule 2: of one that does not, nobody knows; either is fine.
"""

import random
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Thread

from sshfleet.errors import ExitCode
from sshfleet.journal.store import read_state
from sshfleet.lab.waiting import holds
from sshfleet.model.event import TargetState
from sshfleet.model.unit import UnitName, sha256_of
from tests.faults.crew import Member, Witness, write
from tests.faults.mischief import Mischief, Story, now
from tests.lab.user import User

PATIENCE = "60"  # seconds for the journal to be free
SEEN_WITHIN = 20.0  # seconds for a process that was started to write its first line
REST = 8.0  # seconds between two commands, at most: in between only the keeper looks

INACTIVE, LOADED, LAUNCHED = TargetState.INACTIVE, TargetState.LOADED, TargetState.LAUNCHED
# What may be asked of a unit that is so, and what it makes of it.
VERBS: dict[TargetState, dict[str, TargetState]] = {
    LAUNCHED: {
        "restart": LAUNCHED,
        "stop": LOADED,
        "unload": INACTIVE,
        "start --replace": LAUNCHED,
    },
    LOADED: {"start": LAUNCHED, "unload": INACTIVE},
    INACTIVE: {"load": LOADED, "start": LAUNCHED},
}


class Customer(Thread):
    """A thread that types until it is told to go."""

    def __init__(
        self,
        user: User,
        members: list[Member],
        witness: Witness,
        mischief: Mischief,
        chance: random.Random,
        story: Story,
    ) -> None:
        super().__init__(name="customer", daemon=True)
        self._user, self._members, self._witness = user, members, witness
        self._mischief, self._chance, self._story = mischief, chance, story
        self._journal = Path(user.variables["SSHFLEET_JOURNAL"])
        self._over = Event()
        self._version = 1
        self._drained = ""
        self.possible = {one.name: {LAUNCHED} for one in members}
        self.wrongs: list[str] = []
        self.acknowledged = 0

    def run(self) -> None:
        """Type one command after the other; what nobody thought of is wrong, too."""
        try:
            self._type_on()
        except Exception as error:
            self.wrongs.append(f"the customer gave up: {error!r}")

    def _type_on(self) -> None:
        while not self._over.wait(self._chance.uniform(0, REST)) and not self.wrongs:
            if self._chance.random() < 0.2:
                self._drain_or_uncordon()
            else:
                self._verb(self._chance.choice(self._members))

    def go(self) -> None:
        """Finish the last command; return when it has ended."""
        self._over.set()
        self.join()

    def check(self) -> list[str]:
        """Say what was promised and is not so."""
        units = read_state(self._journal)[0].units
        return self.wrongs + [
            f"{name} is {units[UnitName(name)].target}, promised: {sorted(map(str, targets))}"
            for name, targets in self.possible.items()
            if units[UnitName(name)].target not in targets
        ]

    def _verb(self, member: Member) -> None:
        name = UnitName(member.name)
        before = read_state(self._journal)[0].units[name]
        verbs = {"restart": LAUNCHED} if member.tied or member.is_global else VERBS[before.target]
        verb = self._chance.choice(sorted(verbs))
        self._version += 1
        write(self._user, member, self._version)
        begun = now()
        if self._types(*verb.split(), name):
            self.possible[name] = {verbs[verb]}
            self._demand_done(verb, member, begun)
        else:
            self.possible[name] = self.possible[name] | {verbs[verb]}

    def _demand_done(self, verb: str, member: Member, begun: float) -> None:
        """Look whether what was acknowledged has happened."""
        name, story = member.name, f"{verb} {member.name} was acknowledged, and"
        after = read_state(self._journal)[0].units[UnitName(name)]
        if after.target not in self.possible[name]:
            self.wrongs.append(f"{story} it is {after.target}")
        if "--replace" in verb and after.sha256 != sha256_of(member.text(self._version)):
            self.wrongs.append(f"{story} its text is another")

        if verb in ("restart", "start --replace"):
            late = self._not_started(name, after.placements, begun)
            self.wrongs += [f"{story} no process was started on {machine}" for machine in late]

    def _not_started(self, unit: str, placed: Iterable[str], begun: float) -> set[str]:
        """Return the machines where no process began, but those that something befell meanwhile."""

        def late() -> set[str]:
            lives = self._witness.lives()
            fresh = {life.machine for life in lives if life.unit == unit and life.first >= begun}
            return set(placed) - fresh

        holds(lambda: not late(), SEEN_WITHIN)
        return late() - self._mischief.struck_since(begun)

    def _drain_or_uncordon(self) -> None:
        if self._drained:
            if self._types("uncordon", self._drained):
                self._drained = ""
            return
        self._drained = self._chance.choice(self._mischief.lab.machines).name
        if not self._types("drain", self._drained, "--yes", "--timeout", "60"):
            return
        state = read_state(self._journal)[0]
        left = [n for n, one in state.units.items() if state.id_of(self._drained) in one.placements]
        if left:
            self.wrongs.append(f"drain {self._drained} was acknowledged; it has {left}")

    def _types(self, *words: str) -> bool:
        begun = now()
        ended = self._user.runs("--lock-wait", PATIENCE, *words)
        self._story.counts["verbs"] += 1
        self.acknowledged += ended.code == 0
        said = " ".join(ended.stderr.split())[:200]
        self._story.tell("verb", f"{' '.join(words)}: {ended.code} in {now() - begun:.1f} s {said}")
        if ended.code == ExitCode.BUG or "Traceback" in ended.stderr:
            self.wrongs.append(f"{' '.join(words)} is broken: {ended.stderr}")
        return ended.code == 0

"""Two controllers that begin at the same instant: exactly one acts.

    python -m tests.faults.rivals [--times N]

Either has a shell of its own, and both start the same unit: on one journal, on two journals that
know nothing of each other, and on two copies of one. What tells who acted are the machines and the
witness on them, not what the two say.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from sshfleet.errors import ExitCode
from sshfleet.journal.store import read_history
from sshfleet.lab.waiting import holds
from tests.faults.fleet import WITNESS, Fleet
from tests.faults.runner import Ended, Runner
from tests.faults.sweep import SAYS_SO_WITHIN, Failed, tell, witness_fleet
from tests.lab.user import User

UNIT = "rival.service"
# It takes a while to start: whoever lost is there before the other one has ended.
SLOW = WITNESS.replace("[Service]", "[Service]\nExecStartPre=/bin/sleep 1").replace("VERSION", "x")
# Two spellings of one command, so that the journal tells whose it was.
COMMANDS = (("start", "rival"), ("start", "rival.service"))
# What tells whose the machine is: to who comes late, to who lost at the machine, to a copy.
REFUSALS = ("belongs to another journal", "a second copy of the one that works on")


class Rivals:
    """Two users of one fleet."""

    def __init__(self, fleet: Fleet, runner: Runner) -> None:
        self.fleet, self.runner = fleet, runner
        self.folder = fleet.user.folder / "rivals"
        self.users = [self._user(name) for name in ("one", "two")]

    def _user(self, name: str) -> User:
        folder = self.folder / name
        folder.mkdir(parents=True)
        user = User.of(self.fleet.lab, folder)
        user.writes(UNIT, SLOW)
        return user

    def on_one_journal(self) -> None:
        """Both work with one journal: the lock lets one in, the other one is told to try later."""
        journal = self._journals("shared", "shared")[0]
        ended = self._together()
        _demand(sorted(one.code for one in ended) == [ExitCode.DONE, ExitCode.TRY_LATER], ended)
        loser = next(one for one in ended if one.code)
        _demand("another sshfleet holds the journal" in loser.stderr, ended)
        wrote = {record.cmd.split()[-1] for record in read_history(journal)}
        _demand(wrote == {COMMANDS[loser is ended[0]][-1]}, wrote)
        self._end(ended)

    def on_two_journals(self) -> None:
        """Each has a journal of its own: the machine belongs to whoever came first."""
        self._journals("one", "two")
        ended = self._together()
        self._demand_one_winner(ended)
        self._end(ended)

    def on_two_copies(self) -> None:
        """Each has a copy of one journal, which has worked there before."""
        one, two = self._journals("one", "two")
        for words in (("load", UNIT), ("unload", UNIT)):
            _demand_done(self.runner.runs(self.users[0], *words))
        shutil.copytree(one.parent, two.parent)
        ended = self._together()
        self._demand_one_winner(ended)
        self._end(ended)

    def _journals(self, *names: str) -> list[Path]:
        """Give each user a journal of that name, which does not exist yet."""
        shutil.rmtree(self.folder / "journals", ignore_errors=True)
        paths = [self.folder / "journals" / name / "journal.jsonl" for name in names]
        for user, path in zip(self.users, paths, strict=True):
            user.variables["SSHFLEET_JOURNAL"] = str(path)
        self.fleet.forget_starts()
        return paths

    def _together(self) -> list[Ended]:
        return self.runner.run_together(list(zip(self.users, COMMANDS, strict=True)))

    def _demand_one_winner(self, ended: list[Ended]) -> None:
        codes = [one.code for one in ended]
        _demand(codes.count(ExitCode.DONE) == 1, ended)
        loser = next(one for one in ended if one.code)
        _demand(any(words in loser.stderr for words in REFUSALS), ended)

    def _end(self, ended: list[Ended]) -> None:
        """Demand that the unit was started once, and take it away as its owner."""
        started = {f"{UNIT} x": 1}
        holds(lambda: self.fleet.starts() == started, SAYS_SO_WITHIN)
        _demand(self.fleet.starts() == started, (self.fleet.starts(), ended))
        _demand(not self.fleet.violations(), self.fleet.violations())
        winner = next(user for user, one in zip(self.users, ended, strict=True) if not one.code)
        _demand_done(self.runner.runs(winner, "destroy", UNIT))


def _demand(condition: bool, story: object) -> None:
    if not condition:
        raise Failed(str(story))


def _demand_done(ended: Ended) -> None:
    _demand(ended.code == 0, ended)


WAYS = (Rivals.on_one_journal, Rivals.on_two_journals, Rivals.on_two_copies)


def main() -> int:
    """Let the two meet so many times in each way, and tell what came of it."""
    parser = argparse.ArgumentParser(prog="rivals", description="Two controllers, one fleet.")
    parser.add_argument("--times", type=int, default=100, metavar="N")
    times = parser.parse_args().times
    with witness_fleet(f"rivals-{os.getpid()}") as fleet, Runner() as runner:
        rivals = Rivals(fleet, runner)
        for way in WAYS:
            for number in range(1, times + 1):
                try:
                    way(rivals)
                except Failed as failed:
                    tell(f"FAILED {way.__name__}, time {number}: {failed}")
                    return 1
            tell(f"{way.__name__}: {times} times exactly one acted")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Where nemesis and partitions take place: machines that share a folder, and a crew on them.

Rule 1: the lab is taken down in every case; the folder with the logs goes when all was well.
"""

import os
import re
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sshfleet.lab import remove
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabSpec
from tests.faults.crew import Member, Witness, write
from tests.faults.mischief import Story
from tests.faults.sweep import tell
from tests.lab.user import Ended, User

LAST = 60  # lines of the story that are told
ID = re.compile("[0-9a-f]{32}")  # of a machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A lab, somebody who uses it, and all that bears witness."""

    lab: Lab
    user: User
    members: list[Member]
    witness: Witness
    story: Story

    @property
    def journal(self) -> Path:
        """Return the user's journal."""
        return Path(self.user.variables["SSHFLEET_JOURNAL"])

    def write_policy(self, failover: str) -> None:
        """Let the inventory say this of failover."""
        policy = f"failover: {{{failover}}}\n"
        self.user.writes("inventory.yaml", self.lab.inventory.read_text() + policy)

    def start_all(self) -> Ended:
        """Start the whole crew."""
        for member in self.members:
            write(self.user, member, 1)
        return self.user.runs("start", *(member.name for member in self.members))

    def tell_story(self, wrongs: list[str], folder: Path) -> None:
        """Tell all that helps to find out why, and keep the logs in a folder."""
        self._tell([*wrongs[:LAST], "what happened last:", *self.story.lines[-LAST:]])
        lives = sorted(self.witness.lives())
        for member in self.members:
            if any(member.name in wrong for wrong in wrongs):
                self._tell([f"{member.name}:", *(one for one in lives if one.unit == member.name)])
                history = self.user.runs("history", "-l", "--unit", member.name).stdout
                self._tell(history.splitlines())
        for machine in self.lab.machines:
            self.lab.boot(machine.name)
            log = self.lab.run(machine.name, "journalctl", "--no-pager", "-o", "short-precise")
            (folder / f"{machine.name}.log").write_bytes(log.stdout)

    def _tell(self, lines: Iterable[object]) -> None:
        names = {machine.machine_id: machine.name for machine in self.lab.machines}
        tell("\n".join(named(lines, names)))


def named(lines: Iterable[object], names: Mapping[str, str]) -> list[str]:
    """Return the lines with the names of machines instead of their IDs."""
    return [ID.sub(lambda found: names.get(found[0], found[0]), str(line)) for line in lines]


@contextmanager
def _ground(folder: Path, name: str, machines: int, members: list[Member]) -> Iterator[Ground]:
    """Boot machines of both suites, with a user whom silence does not hold up for long."""
    home, shared = folder / "user", folder / "shared"
    home.mkdir()
    shared.mkdir()
    spec = LabSpec(
        name=f"{name}-{os.getpid()}",
        count=machines,
        suites=("bookworm", "trixie"),
        inventory=folder / "inventory.yaml",
        shared=shared,
    )
    try:
        lab = Lab.up(spec, tell)
        user = User.of(lab, home)
        user.variables |= {
            "SSHFLEET_JOURNAL": str(home / "journal" / "journal.jsonl"),
            "SSHFLEET_INVENTORY": str(home / "inventory.yaml"),
            "SSHFLEET_SSH_TIMEOUT": "2",
        }
        yield Ground(
            lab=lab,
            user=user,
            members=members,
            witness=Witness(shared, members),
            story=Story(home / "story"),
        )
    finally:
        remove.down(spec.name)


def take_place(
    name: str, machines: int, members: list[Member], happens: Callable[[Ground], list[str]]
) -> int:
    """Let something happen that returns what was wrong; tell its story, and 1 if anything was."""
    folder = Path(tempfile.mkdtemp(prefix=f"sshfleet-{name}-"))
    with _ground(folder, name, machines, members) as ground:
        try:
            wrongs = happens(ground)
        except Exception:
            wrongs = [f"{name} itself broke:\n{traceback.format_exc()}"]
        if wrongs:
            tell(f"FAILED; logs are kept in {folder}")
            ground.tell_story(wrongs, folder)
    if wrongs:
        return 1
    shutil.rmtree(folder)
    tell("all well")
    return 0

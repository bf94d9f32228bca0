"""Someone who uses sshfleet: types commands as one would by hand, and looks at the machines.

Rule 1: the real program in a process of its own, in an empty home, with nothing on stdin.
Rule 2: what came of it is asked of the machine itself, not of sshfleet.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine

PROJECT = Path(__file__).parents[2]
LONGEST = 300  # seconds any command may take on a busy computer

# Whatever names us in the folders of systemd, and the folders that are ours alone.
_TRACES = r"""
find /etc/sshfleet /run/sshfleet ! -type d 2>/dev/null
ls -d /etc/sshfleet /run/sshfleet 2>/dev/null
find /etc/systemd /run/systemd /usr/lib/systemd \
    \( -name '*sshfleet*' -o -lname '*sshfleet*' \) 2>/dev/null
find /etc/systemd/system /run/systemd/system -xtype l 2>/dev/null
systemctl list-units --all --plain --no-legend '*sshfleet*'
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and after how many seconds."""

    code: int
    stdout: str
    stderr: str
    seconds: float


class User:
    """A home and a working directory, and the variables a shell would have."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        home = folder / "home"
        home.mkdir()
        self.variables = {
            **_environment(),
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "PYTHONPATH": str(PROJECT),
            **variables,
        }

    @classmethod
    def of(cls, lab: Lab, folder: Path) -> "User":
        """Make a user of a lab, with the lab's agent and inventory."""
        return cls(
            folder,
            {"SSH_AUTH_SOCK": str(lab.agent_socket), "SSHFLEET_INVENTORY": str(lab.inventory)},
        )

    def runs(self, *words: str, **variables: str) -> Ended:
        """Run one command; it may end as it likes."""
        begun = time.monotonic()
        with self.begins(*words, **variables) as process:
            stdout, stderr = process.communicate(timeout=LONGEST)
        return Ended(process.returncode, stdout, stderr, time.monotonic() - begun)

    def command(self, *words: str) -> list[str]:
        """Return what starts the program."""
        return [sys.executable, "-m", "sshfleet", *words]

    def begins(self, *words: str, **variables: str) -> "subprocess.Popen[str]":
        """Start one command and go on."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def gets(self, *words: str) -> str:
        """Run one command that succeeds without a word on stderr; return what it prints."""
        ended = self.runs(*words)
        assert (ended.code, ended.stderr) == (0, ""), ended
        return ended.stdout

    def writes(self, name: str, text: str) -> None:
        """Put a file into the working directory."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def rows(self, verb: str, *words: str) -> list[dict[str, str]]:
        """Return the table that a list verb prints."""
        return table(self.gets(verb, *words))


def _environment() -> dict[str, str]:
    """Return our variables, but for one that lets Python compile the program for each command."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def visiting(lab: Lab, folder: Path) -> Iterator[User]:
    """Be a new user of a lab; on leaving, nothing of theirs may be left on any machine."""
    user = User.of(lab, folder)
    yield user
    for machine in lab.machines:
        lab.boot(machine.name)
    user.runs("destroy", "*")
    left = {machine.name: traces(lab, machine.name) for machine in lab.machines}
    assert not any(left.values()), left


def table(text: str) -> list[dict[str, str]]:
    """Read a table: one dict a row, by its legend in lower case. No cell holds a blank."""
    legend, *rows = [line.split() for line in text.splitlines()]
    names = [name.lower() for name in legend]
    return [dict(zip(names, row, strict=True)) for row in rows]


def legend_of(machine: LabMachine) -> str:
    """Name a machine as the lists do."""
    return f"{machine.machine_id[:8]}.../{machine.address}"


def by_id(lab: Lab) -> list[LabMachine]:
    """Return the machines in the order in which an empty fleet fills."""
    return sorted(lab.machines, key=lambda machine: machine.machine_id)


def systemctl(lab: Lab, machine: str, *words: str) -> str:
    """Ask systemctl on a machine, whatever its exit code; return what it prints."""
    done = lab.run(machine, "systemctl", *words, check=False)
    return done.stdout.decode().strip()


def shown(lab: Lab, machine: str, unit: str, name: str) -> str:
    """Return one property of a unit on a machine."""
    return systemctl(lab, machine, "show", "--value", "--property", name, "--", unit)


def is_active(lab: Lab, unit: str) -> dict[str, str]:
    """Say for each machine how systemd there calls the unit."""
    return {each.name: systemctl(lab, each.name, "is-active", unit) for each in lab.machines}


def traces(lab: Lab, machine: str) -> list[str]:
    """Return everything on a machine that comes from sshfleet."""
    return lab.run(machine, "sh", "-c", _TRACES, check=False).stdout.decode().splitlines()

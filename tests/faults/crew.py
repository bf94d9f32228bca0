"""The units of the nemesis and the partitions, each with a process that bears witness."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sshfleet.lab.spec import SHARED
from tests.faults.evidence import Complaint, Life
from tests.lab.user import User

PERL = Path(__file__).with_name("witness.pl")
STOPPING = 5  # seconds: TimeoutStopSec=
QUICK = 3  # ticks of 0.1 s from being asked to end to ending

_TEXT = f"""\
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/perl {SHARED}/witness.pl %n %m COPIES TICKS VERSION
TimeoutStopSec=STOPPING
Restart=always
RestartSec=1
[X-Fleet]
"""


@dataclass(frozen=True, slots=True)
class Member:
    """One unit; `rules` are the lines of its [X-Fleet], `alone` if it must never run twice.

    It may take `stopping` seconds to stop. Leased ones take nearly all of it: so it shows when they
    are given up too early.
    """

    name: str
    rules: str
    alone: bool
    is_global: bool = False
    tied: bool = False  # others depend on where it is
    stopping: int = STOPPING

    @property
    def leased(self) -> bool:
        """Tell whether it runs only under a lease."""
        return "Failover=lease" in self.rules

    def text(self, version: int) -> str:
        """Return the unit file of a version."""
        copies = "once" if self.alone else "often"
        ticks = str(self.stopping * 10 - 10 if self.leased else QUICK)
        text = _TEXT.replace("COPIES", copies).replace("TICKS", ticks)
        text = text.replace("STOPPING", str(self.stopping)).replace("VERSION", f"v{version}")
        return text + self.rules + "\n"


def leased(count: int, stopping: int = STOPPING) -> list[Member]:
    """Make units that run only under a lease."""
    return [
        Member(f"lease-{n}.service", "Failover=lease", alone=True, stopping=stopping)
        for n in range(count)
    ]


def crew(count: int) -> list[Member]:
    """Make units: a third leased, two global, two with rules, the others eager or manual."""
    third = count // 3
    eager = (count - third - 4) // 2
    manual = count - third - 4 - eager
    return [
        *leased(third),
        *(Member(f"eager-{n}.service", "Failover=eager", alone=False) for n in range(eager)),
        *(
            Member(f"manual-{n}.service", "Failover=manual", alone=True, tied=n == 0)
            for n in range(manual)
        ),
        *(
            Member(f"global-{n}.service", "Global=true", alone=False, is_global=True)
            for n in range(2)
        ),
        Member("follower.service", "MachineOf=manual-0.service", alone=True, tied=True),
        Member("apart.service", "Conflicts=eager-0.service\nFailover=lease", alone=True),
    ]


class Witness:
    """What the processes of a crew told, in the folder that all machines share."""

    def __init__(self, shared: Path, members: Iterable[Member]) -> None:
        self._shared, self._names = shared, [member.name for member in members]
        shutil.copy(PERL, shared)
        for name in self._names:
            (shared / name).mkdir()

    def lives(self) -> list[Life]:
        """Return every process there ever was."""
        return [
            life for name in self._names for path in self._files(name) for life in _read(name, path)
        ]

    def complaints(self) -> list[Complaint]:
        """Return every process that found another one of its unit."""
        try:
            lines = (self._shared / "violations").read_text().splitlines()
        except FileNotFoundError:
            return []
        told = (line.split() for line in lines)
        return [Complaint(float(at), unit, machine) for at, unit, machine, _ in told]

    def _files(self, name: str) -> Iterator[Path]:
        return (self._shared / name).iterdir()


def _read(unit: str, path: Path) -> Iterator[Life]:
    """Read a life; none yet when it has not written its first line."""
    machine, _, invocation = path.name.partition("-")
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.readline()
        if not first.endswith(b"\n"):
            return
        file.seek(max(0, size - 60))
        whole = file.read().rpartition(b"\n")[0].splitlines()
    yield Life(
        first=float(first),
        last=max(float(first), float(whole[-1])),
        unit=unit,
        machine=machine,
        invocation=invocation,
    )


def write(user: User, member: Member, version: int) -> None:
    """Put the unit file of a version into the user's folder."""
    user.writes(member.name, member.text(version))

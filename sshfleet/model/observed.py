"""What was seen on machines: a report each, of a machine that answered or of one that did not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.owner import Owner, whose
from sshfleet.model.unit import UnitName, content_hash

TAKE_OVER = "if that journal is lost or stale: sshfleet adopt --take-over"


class Trouble(StrEnum):
    """Why a machine could not be worked with; only silence can ever mean that it is dead."""

    SILENT = "silent"  # no route, connection timed out
    HUNG = "hung"  # TCP is up, SSH is not, within the deadline
    NO_SSHD = "no-sshd"  # refused: the kernel lives
    THROTTLED = "throttled"  # reset before the key exchange: MaxStartups, penalties
    HOST_KEY = "host-key"  # unknown, changed or revoked host key
    AUTH = "auth"  # none of our keys is accepted
    UNMANAGEABLE = "unmanageable"  # logged in, but sudo, the shell or systemd do not work
    OWNED = "owned"  # it belongs to another journal
    FAULT_HERE = "fault-here"  # too many open files, no agent, no DNS: this side


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """The machine could not be worked with; `detail` is one line of text, not yet made safe."""

    trouble: Trouble
    detail: str
    hint: str = ""


def of_another(owner: Owner | None) -> Unreachable:
    """Return what is to be said of a machine that belongs to another journal."""
    return Unreachable(
        trouble=Trouble.OWNED,
        detail=f"belongs to another journal ({whose(owner)})",
        hint=TAKE_OVER,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The one-line JSON beside each unit file of ours: whose it is and what it is for.

    `sha256` is the content hash. `was` is the InvocationID of the unit when this content took the
    place of an older one: what has that ID runs the older one. `guard` is as in Action.
    """

    lineage: str
    generation: int
    sha256: str
    target: str
    was: str = ""
    guard: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """One unit on one machine, as its systemd reports it (properties of `systemctl show`).

    `sha256` is of the file in our folder, empty when there is none; `record` lies beside it.
    `dropins` has the SHA-256 of each drop-in of ours that is in effect, by its file name.
    `fragment` is FragmentPath; `boot` tells whether the unit starts at boot through us; `settled`
    whether it kept InvocationID and NRestarts for the settle time (None: not watched). `fresh`: it
    runs, was not watched, and has begun only seconds ago. `runtime`:
    its file goes with the next reboot. `guarded`: it runs only under a lease, as installed by this
    version. `shadow` is the path of what hides our file, be it a mask (`masked`); to one that is
    `unlinked` no link leads. `strays` are drop-ins that are not ours.

    Of a unit that simply runs and was not watched, `result`, `kind`, `restarts`, `status` and
    `file_state` are not asked for.
    """

    name: UnitName
    load: str
    active: str
    sub: str
    result: str = ""
    kind: str = ""
    invocation: str = ""
    restarts: int = 0
    status: int = 0
    job: str = ""
    fragment: str = ""
    file_state: str = ""
    sha256: str = ""
    record: Record | None = None
    boot: bool = False
    settled: bool | None = None
    fresh: bool = False
    dropins: Mapping[str, str] = field(default_factory=dict, hash=False)
    runtime: bool = False
    guarded: bool = False
    shadow: str = ""
    masked: bool = False
    unlinked: bool = False
    strays: tuple[str, ...] = ()

    @property
    def at_rest(self) -> bool:
        """Tell whether nothing of it runs, or is about to without a job."""
        return self.active in ("inactive", "failed")

    @property
    def content(self) -> str:
        """Return what tells its content from any other, nothing without a file."""
        return content_hash(self.sha256, self.dropins) if self.sha256 else ""

    @property
    def old_text(self) -> bool:
        """Tell whether what runs, or ran last, was started from a content since replaced."""
        was = self.record.was if self.record else ""
        return bool(was) and was == self.invocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A machine that answered; `memory` in bytes, `uptime` in seconds since `boot_id` began.

    `units` has every unit in our folders, and of the others those that were asked for. `owner` is
    whose machine it is, as far as sshfleet goes; None when it holds nothing of anybody. While it is
    `busy` a run is changing it. `wall` is its clock in seconds (0: not told), `guard` the version
    of what ends units there without a lease, empty without one, which needs `flock`.
    """

    machine: MachineId
    boot_id: str
    uptime: float
    os: str
    arch: str
    systemd: int
    cpus: int
    memory: int
    units: Mapping[UnitName, UnitState] = field(default_factory=dict)
    owner: Owner | None = None
    busy: bool = False
    wall: int = 0
    guard: str = ""
    flock: bool = True


Report = Reached | Unreachable


@dataclass(frozen=True)  # no slots: what is derived is kept, for it is asked once a unit or machine
class Observed:
    """One look at the fleet: a report for every machine that was asked."""

    reports: Mapping[MachineName, Report] = field(default_factory=dict)

    def reached(self) -> Mapping[MachineName, Reached]:
        """Return the machines that answered, those with a doubtful identity left out."""
        return self._reached

    def duplicates(self) -> frozenset[MachineId]:
        """Return the machine IDs that more than one inventory name answered with (cloned disks)."""
        return self._duplicates

    def by_id(self) -> Mapping[MachineId, tuple[MachineName, Reached]]:
        """Return the machines that answered by their ID."""
        return self._by_id

    def merged(self, newer: "Observed") -> "Observed":
        """Return this look with the newer reports in place of the older."""
        return Observed({**self.reports, **newer.reports})

    @cached_property
    def _reached(self) -> Mapping[MachineName, Reached]:
        return {
            name: report
            for name, report in self.reports.items()
            if isinstance(report, Reached) and report.machine not in self._duplicates
        }

    @cached_property
    def _duplicates(self) -> frozenset[MachineId]:
        seen = Counter(r.machine for r in self.reports.values() if isinstance(r, Reached))
        return frozenset(machine for machine, times in seen.items() if times > 1)

    @cached_property
    def _by_id(self) -> Mapping[MachineId, tuple[MachineName, Reached]]:
        return {report.machine: (name, report) for name, report in self._reached.items()}

"""Three machines, units that bear witness, and what must be true of them whatever went wrong.

Each unit that may run once holds a flock on a file in a folder that all machines share. One that
starts while another copy runs anywhere cannot have the lock: it tells, and fails.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sshfleet.journal.store import read_state
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import SHARED, LabMachine
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from sshfleet.model.unit import UnitName, sha256_of, template_of
from tests.lab.user import User, traces

LOCK = f"exec 9>>{SHARED}/%n.lock; flock -n 9 || "
TELL = f'{{ echo "%n on %H" >>{SHARED}/violations; exit 1; }}; '
START = f'echo "%n VERSION" >>{SHARED}/starts; exec sleep infinity'
WITNESS = f"[Service]\nExecStart=/bin/sh -c '{LOCK}{TELL}{START}'\n"
SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n# VERSION\n"
UNITS = {
    "solo.service": WITNESS,
    "follower.service": WITNESS + "[X-Fleet]\nMachineOf=solo.service\n",
    "left.service": WITNESS + "[X-Fleet]\nConflicts=right.service\n",
    "right.service": WITNESS + "[X-Fleet]\nConflicts=left.service\n",
    "worker@.service": WITNESS,
    "agent.service": SLEEPER + "[X-Fleet]\nGlobal=true\n",
}
NAMES = tuple(sorted(name.replace("@.", "@1.") for name in UNITS))
GLOBAL = "agent.service"
WITNESSES = tuple(name for name in NAMES if name != GLOBAL)

_LOOK = """
cd /etc/sshfleet/units 2>/dev/null &&
    for one in *; do [ ! -f "$one" ] || sha256sum -- "$one"; done |
    while read -r sum one; do echo "sha256 $one $sum"; done
cd /etc/sshfleet/records 2>/dev/null &&
    for one in *; do [ ! -f "$one" ] || echo "record $one yes"; done
cd /etc/systemd/system/sshfleet.target.wants 2>/dev/null &&
    for one in *; do [ ! -L "$one" ] || echo "boot $one yes"; done
systemctl list-units --plain --no-legend --full --state=active,activating,deactivating -- "$@" |
    while read -r one _; do echo "active $one yes"; done
"""
_WIPE = """
systemctl stop -- "$@"
rm -rf /etc/sshfleet /run/sshfleet /etc/systemd/system/sshfleet.target.wants
find /etc/systemd/system -lname '*sshfleet*' -delete
systemctl daemon-reload
systemctl reset-failed
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user wants of a unit that is registered."""

    target: TargetState
    version: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A unit as it is on one machine."""

    sha256: str = ""
    record: bool = False
    boot: bool = False
    active: bool = False


State = dict[str, Wanted]
Found = dict[str, dict[UnitName, Copy]]  # by machine ID and unit


class Fleet:
    """The lab and its user, as those see it who must not trust sshfleet."""

    def __init__(self, lab: Lab, user: User) -> None:
        assert lab.state.spec.shared is not None
        self.lab, self.user, self.shared = lab, user, lab.state.spec.shared
        self.journal = user.folder / "journal" / "journal.jsonl"
        user.variables["SSHFLEET_JOURNAL"] = str(self.journal)
        self._versions: dict[str, str] = {}

    def write_units(self, version: str) -> None:
        """Put the unit files of a version into the user's folder."""
        for name in NAMES:
            self.write_unit(name, version)

    def write_unit(self, name: str, version: str) -> None:
        """Put one unit file of a version into the user's folder; that of an instance's template."""
        file = template_of(name) or name
        text = UNITS[file].replace("VERSION", version)
        self.user.writes(file, text)
        self._versions[sha256_of(text)] = version

    def state(self) -> State:
        """Return what the journal says is wanted; raises JournalError for one that is damaged."""
        units = read_state(self.journal)[0].units
        return {
            name: Wanted(unit.target, self._versions.get(unit.sha256, "?"))
            for name, unit in units.items()
        }

    def starts(self) -> Counter[str]:
        """Count how often each witness was started, by `unit version`."""
        return Counter(_lines(self.shared / "starts"))

    def forget_starts(self) -> None:
        """Begin to count anew."""
        (self.shared / "starts").unlink(missing_ok=True)

    def violations(self) -> list[str]:
        """Return a line for each unit that ever ran twice at the same time."""
        return _lines(self.shared / "violations")

    def forget_violations(self) -> None:
        """Look for new ones only."""
        (self.shared / "violations").unlink(missing_ok=True)

    def wipe(self) -> None:
        """Take everything away, the journal too, to begin with nothing after a failure."""
        shutil.rmtree(self.journal.parent, ignore_errors=True)
        for machine in self.lab.machines:
            self.lab.run(machine.name, "sh", "-c", _WIPE, "sh", *NAMES)
        self.forget_violations()
        self.forget_starts()

    def wrongs(self) -> list[str]:
        """Say what on the machines is not exactly as the journal has it, or ever ran twice."""
        units = read_state(self.journal)[0].units
        found = self._found()
        wrongs = [f"ran twice: {line}" for line in self.violations()]
        for machine, there in found.items():
            wanted = {
                name: Copy(unit.sha256, True, *[unit.target is TargetState.LAUNCHED] * 2)
                for name, unit in units.items()
                if machine in unit.placements
            }
            wrongs += [
                f"{name} on {machine:.8}: {there.get(name)}, journal: {wanted.get(name)}"
                for name in sorted(wanted.keys() | there.keys())
                if there.get(name) != wanted.get(name)
            ]
            if not wanted and not there:
                wrongs += self._left(machine)
        return wrongs + _misplaced(units, len(found))

    def _left(self, machine_id: str) -> list[str]:
        """Say what of ours is on a machine that has no unit."""
        name = next(one.name for one in self.lab.machines if one.machine_id == machine_id)
        return [f"left on {name}: {trace}" for trace in traces(self.lab, name)]

    def _found(self) -> Found:
        """Look on the machines themselves, at all of them at once."""
        with ThreadPoolExecutor(max_workers=len(self.lab.machines)) as pool:
            ids = [machine.machine_id for machine in self.lab.machines]
            return dict(zip(ids, pool.map(self._look, self.lab.machines), strict=True))

    def _look(self, machine: LabMachine) -> dict[UnitName, Copy]:
        done = self.lab.run(machine.name, "sh", "-c", _LOOK, "sh", *NAMES)
        copies: dict[UnitName, Copy] = {}
        for line in done.stdout.decode().splitlines():
            key, said, value = line.split()
            name = UnitName(said)
            copy = copies.get(name, Copy())
            changes: dict[str, Any] = {key: value if key == "sha256" else True}
            copies[name] = replace(copy, **changes)
        return copies


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []


def _misplaced(units: Mapping[UnitName, DesiredUnit], machines: int) -> list[str]:
    """Say which units are on more or other machines than their rules allow."""
    at = {str(name): unit.placements for name, unit in units.items() if unit.target.on_machine}
    wrongs = []
    for name, unit in units.items():
        wanted = (machines if name == GLOBAL else 1) if unit.target.on_machine else 0
        if len(unit.placements) != wanted or unit.holders != unit.placements:
            wrongs.append(f"{name}: {unit.target} at {unit.placements}, held by {unit.holders}")
    if at.get("left.service", frozenset()) & at.get("right.service", frozenset()):
        wrongs.append("left and right are together")
    if {*at} >= {"follower.service", "solo.service"} and at["follower.service"] != at[
        "solo.service"
    ]:
        wrongs.append("follower is not where solo is")
    return wrongs

"""Look at the machines when all faults are undone: is everything exactly as it is wanted?"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sshfleet.journal.store import read_state
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from tests.faults.crew import Member

AT_ONCE = 4  # machines that are looked at together

# For each unit of ours: the sum of its file, and the version that its process was started with.
_LOOK = """
for home in /etc /run; do
    cd "$home/sshfleet/units" 2>/dev/null || continue
    for one in *; do [ ! -f "$one" ] || sha256sum -- "$one"; done |
        while read -r sum one; do echo "$one file $sum"; done
done
for one; do
    pid=$(systemctl show --value --property MainPID -- "$one")
    [ "$pid" = 0 ] || echo "$one runs $(tr '\\0' '\\n' <"/proc/$pid/cmdline" | tail -n 1)"
done
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A unit on a machine: the sum of its file, the version that runs; empty for none."""

    file: str = ""
    runs: str = ""


Found = Mapping[str, Mapping[str, Copy]]  # by machine ID and unit


def wrongs(lab: Lab, journal: Path, members: Iterable[Member]) -> list[str]:
    """Say what on the machines is not as the journal has it, and what breaks a rule there."""
    state, known = read_state(journal)[0], list(members)
    names = [one.name for one in known]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(
            zip(
                [one.machine_id for one in lab.machines],
                pool.map(lambda machine: _look(lab, machine, names), lab.machines),
                strict=True,
            )
        )
    units = {str(name): unit for name, unit in state.units.items()}
    versions = {sha: _version(text) for sha, text in state.texts.items()}
    return [
        *misplaced(units, known, len(lab.machines)),
        *[line for unit in units.values() for line in differences(unit, versions, found)],
    ]


def _look(lab: Lab, machine: LabMachine, names: list[str]) -> dict[str, Copy]:
    done = lab.run(machine.name, "sh", "-c", _LOOK, "sh", *names)
    files: dict[str, str] = {}
    running: dict[str, str] = {}
    for line in done.stdout.decode().splitlines():
        name, what, value = line.split()
        (files if what == "file" else running)[name] = value
    return {
        name: Copy(files.get(name, ""), running.get(name, ""))
        for name in files.keys() | running.keys()
    }


def _version(text: str) -> str:
    """Return the last word of the command of a witness."""
    lines = (line for line in text.splitlines() if line.startswith("ExecStart="))
    return next(lines, " ").split(" ")[-1]


def differences(unit: DesiredUnit, versions: Mapping[str, str], found: Found) -> list[str]:
    """Say where a unit is not as the journal has it."""
    runs = versions[unit.sha256] if unit.target is TargetState.LAUNCHED else ""
    there = Copy(unit.sha256, runs)
    return [
        f"{unit.name} on {machine}: {copies.get(unit.name, Copy())}, wanted: {wanted}"
        for machine, copies in found.items()
        for wanted in [there if machine in unit.placements else Copy()]
        if copies.get(unit.name, Copy()) != wanted
    ]


def misplaced(
    units: Mapping[str, DesiredUnit], members: Iterable[Member], machines: int
) -> list[str]:
    """Say which units are on more, fewer or other machines than their rules say."""
    found = []
    for member in members:
        unit = units[member.name]
        count = (machines if member.is_global else 1) if unit.target.on_machine else 0
        if len(unit.placements) != count or unit.holders != unit.placements:
            places = f"at {sorted(unit.placements)}, held by {sorted(unit.holders)}"
            found.append(f"{unit.name} is {unit.target} {places}")
    if units["follower.service"].placements != units["manual-0.service"].placements:
        found.append("follower is not where manual-0 is")
    if units["apart.service"].placements & units["eager-0.service"].placements:
        found.append("apart is where eager-0 is")
    return found

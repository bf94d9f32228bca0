"""The inventory that `lab up` writes for the other verbs.

Rule 1: a file without our first line is somebody's own and never overwritten or removed.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from sshfleet.errors import UsageError
from sshfleet.lab.agent import invoker
from sshfleet.lab.spec import LabMachine, LabSpec

DEFAULT = Path("inventory.yaml")


def marker(lab: str) -> str:
    """Return the first line by which we know an inventory as ours."""
    return f"# Written by: sshfleet lab up --name {lab} (without this line, the file is yours)\n"


def path_of(spec: LabSpec) -> Path:
    """Return where the inventory of a lab belongs, absolute."""
    return (spec.inventory or DEFAULT).absolute()


def check(path: Path, lab: str) -> None:
    """Raise UsageError when `path` holds something that we must not overwrite."""
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="mkdir it, or choose another")
    if path.exists() and not is_ours(path, lab):
        raise UsageError(
            f"it is not the inventory of lab {lab} and will not be overwritten",
            place=str(path),
            hint="choose another file with --inventory FILE",
        )


def is_ours(path: Path, lab: str) -> bool:
    """Tell whether the file is there and begins with our marker."""
    line = marker(lab).encode()
    try:
        with path.open("rb") as file:
            return file.read(len(line)) == line
    except OSError:
        return False


def write(path: Path, spec: LabSpec, machines: Sequence[LabMachine]) -> None:
    """Write the inventory, whole or not at all, owned by whoever asked."""
    # The journal goes by the fleet's name: a lab built anew must not inherit that of the old one.
    fleet = f"{spec.name}-{machines[0].machine_id[:6]}"
    lines = [
        marker(spec.name),
        f"fleet:\n  name: {fleet}\n",
        f"defaults:\n  user: {spec.user}\n",
        "machines:\n",
        *(_machine(machine) for machine in machines),
    ]
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    # "x": in a folder of somebody else, no link that waits there leads root astray.
    with fresh.open("x") as file:
        file.writelines(lines)
        os.fchown(file.fileno(), *invoker())
    fresh.rename(path)


def _machine(machine: LabMachine) -> str:
    metadata = ", ".join(f"{key}: {value}" for key, value in machine.metadata.items())
    return (
        f"  {machine.name}:\n"
        f"    address: {machine.address}\n"
        f"    metadata: {{{metadata}}}\n"
        f"    host_key: {machine.host_key}\n"
    )


def remove(path: Path, lab: str) -> None:
    """Remove the inventory if it is still ours."""
    if is_ours(path, lab):
        path.unlink(missing_ok=True)

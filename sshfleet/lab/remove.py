"""Remove a lab completely, whatever state it is in.

Rule 1: names are enough; a lost or damaged state costs at most an inventory file left behind.
"""

import shutil
from contextlib import suppress

from sshfleet.errors import SshfleetError
from sshfleet.lab import cgroup, inventory, machine, needs, network, state
from sshfleet.lab.machine import DISKS
from sshfleet.lab.spec import check_name


def down(name: str) -> bool:
    """Take a lab down; tell whether there was anything. TryLater while another works on it."""
    check_name(name)
    needs.check_root()
    with state.lock_lab(name):
        return remove(name)


def remove(name: str) -> bool:
    """Remove whatever there is of the lab, whose lock the caller holds."""
    existed = name in every_name()
    known = None
    with suppress(SshfleetError):  # a damaged state
        known = state.load(name)
    cgroup.remove(name)
    network.remove(name)
    machine.remove_disks(name)
    if known is not None:
        inventory.remove(known.inventory, name)
    # Last: as long as the state is there, an interrupted removal can be taken up again.
    if state.folder(name).exists():
        shutil.rmtree(state.folder(name))
    return existed


def every_name() -> list[str]:
    """Name every lab of which anything is left, sorted."""
    left = {path.name for path in DISKS.iterdir()} if DISKS.is_dir() else set()
    return sorted({*state.names(), *cgroup.names(), *left})

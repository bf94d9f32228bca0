"""One machine: its disk and its power.

Rule 1: a power cut is silent: the wire goes first, or the dying kernel sockets would say goodbye to
        their peers, which no real power cut does.
"""

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from sshfleet.errors import SshfleetError
from sshfleet.lab import cgroup, network
from sshfleet.lab.body import Body, Condition
from sshfleet.lab.inside import CAPABILITIES, execute
from sshfleet.lab.roots import CACHE
from sshfleet.lab.spec import SHARED
from sshfleet.lab.waiting import until

DISKS = CACHE / "machines"  # LAB/MACHINE/{upper,work,root}
BOOT_SCRIPT = Path(__file__).with_name("boot.sh")
BOOT_WITHIN = 120.0  # seconds; 0.6 is usual, 30 machines at once on 2 processors need 20
SSH_PORT = 22


def create_disk(lab: str, name: str) -> Path:
    """Make the empty overlay of a machine; return its upper layer, not yet made."""
    disk = DISKS / lab / name
    (disk / "root").mkdir(parents=True)
    (disk / "work").mkdir()
    return disk / "upper"


def remove_disks(lab: str) -> None:
    """Remove the overlays of all machines; a no-op when there are none."""
    if (DISKS / lab).exists():
        shutil.rmtree(DISKS / lab)


def start(body: Body) -> None:
    """Make the machine run, reachable; return when its sshd answers, SshfleetError if never."""
    if body.condition is Condition.OFF:
        _power_on(body)
    else:
        cgroup.freeze(body.cgroup, frozen=False)
        if not network.is_up(body.link):
            network.set_up(body.link, up=True)
    name = body.machine.name
    until(lambda: _is_up(body), BOOT_WITHIN, f"sshd of {name}", lambda: _last_words(body))
    if "docker" in body.state.spec.extras:
        _wait_for_docker(body)


def _power_on(body: Body) -> None:
    network.cut(body.link)  # a machine that powered itself off leaves its wire for a moment
    cgroup.remove_branch(body.cgroup)
    cgroup.create_machine(body.cgroup)
    machine, state = body.machine, body.state
    settings = {
        "LAB_CGROUP": str(body.cgroup),
        "LAB_CPU": str(cgroup.cpu_folder(body.lab) or ""),
        "LAB_BRIDGE": network.bridge(body.lab),
        "LAB_LINK": body.link,
        "LAB_MAC": network.hardware_address(body.lab, machine.number),
        "LAB_ADDRESS": machine.address,
        "LAB_NAME": machine.name,
        "LAB_LOWER": state.roots[machine.suite],
        "LAB_DISK": str((DISKS / body.lab / machine.name).relative_to(CACHE)),
        "LAB_SHARED": str(state.spec.shared or ""),
        "LAB_SHARED_AS": SHARED,
        "LAB_CAPABILITIES": CAPABILITIES,
    }
    with body.console.open("wb") as console:
        # --fork: the machine is nobody's child here, and outlives us without a terminal of ours.
        subprocess.run(
            ["setsid", "--fork", "sh", str(BOOT_SCRIPT), "launch"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            cwd=CACHE,
            env={**os.environ, **settings},
            check=True,
        )


def _is_up(body: Body) -> bool:
    # Without a wire nobody is asked: a packet to nobody costs a second until it is sent again.
    if network.is_up(body.link):
        return _greets(body.machine.address)
    if _last_words(body) and body.condition is Condition.OFF:
        raise SshfleetError(f"{body.machine.name} did not boot", hint=_last_words(body))
    return False


def _last_words(body: Body) -> str:
    """Return the last line of the console, where boot.sh complains and systemd says nothing."""
    lines = body.console.read_text(errors="backslashreplace").strip().splitlines()
    return f"its console says: {lines[-1]}" if lines else ""


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, SSH_PORT), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait_for_docker(body: Body) -> None:
    def has_image() -> bool:
        argv = ("docker", "image", "inspect", "busybox")
        return execute(body, argv, check=False).returncode == 0

    until(has_image, BOOT_WITHIN, f"dockerd of {body.machine.name}")


def cut_power(body: Body) -> None:
    """End the machine at once and without a word to anyone; a no-op when it is off."""
    with suppress(SshfleetError):  # it may be off, or powering itself off right now
        network.set_up(body.link, up=False)
    cgroup.kill(body.cgroup)
    network.cut(body.link)

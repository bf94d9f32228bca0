"""One machine: its disk, its power, and a way into it that needs no network.

Rule 1: a power cut is silent: the wire goes first, or the dying kernel sockets would say goodbye to
        their peers, which no real power cut does.
Rule 2: pid 1 of the machine is looked up in its cgroup each time, never remembered.
"""

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sshfleet.errors import SshfleetError
from sshfleet.lab import cgroup, network
from sshfleet.lab.spec import LabMachine
from sshfleet.lab.state import LabState, folder
from sshfleet.lab.waiting import until

BOOT_SCRIPT = Path(__file__).with_name("boot.sh")
BOOT_WITHIN = 120.0  # seconds; 0.6 is usual, 30 machines at once on 2 processors need 20
SSH_PORT = 22
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Condition(StrEnum):
    """What `lab status` says of a machine; the first that holds."""

    OFF = "off"
    PARTITIONED = "partitioned"
    FROZEN = "frozen"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Body:
    """Where a machine of a lab lives on this computer."""

    state: LabState
    machine: LabMachine

    @property
    def lab(self) -> str:
        """Return the lab's name."""
        return self.state.spec.name

    @property
    def cgroup(self) -> Path:
        """Return its branch of the cgroup tree."""
        return cgroup.folder(self.lab) / self.machine.name

    @property
    def link(self) -> str:
        """Return the host's end of its wire."""
        return network.link(self.lab, self.machine.number)

    @property
    def console(self) -> Path:
        """Return the file its boot script and console write to."""
        return folder(self.lab) / f"{self.machine.name}.console"

    @property
    def condition(self) -> Condition:
        """Look how the machine is."""
        if not cgroup.is_populated(self.cgroup):
            return Condition.OFF
        if not network.is_up(self.link):
            return Condition.PARTITIONED
        return Condition.FROZEN if cgroup.is_frozen(self.cgroup) else Condition.RUNNING


def disks(cache: Path, lab: str) -> Path:
    """Return the folder of the overlays of all machines of a lab."""
    return cache / "machines" / lab


def create_disk(cache: Path, lab: str, name: str) -> Path:
    """Make the empty overlay of a machine; return its upper layer, not yet made."""
    disk = disks(cache, lab) / name
    (disk / "root").mkdir(parents=True)
    (disk / "work").mkdir()
    return disk / "upper"


def remove_disks(cache: Path, lab: str) -> None:
    """Remove the overlays of all machines; a no-op when there are none."""
    path = disks(cache, lab)
    if path.exists():
        shutil.rmtree(path)


def start(body: Body) -> None:
    """Make the machine run, reachable; return when its sshd answers, SshfleetError if never."""
    if body.condition is Condition.OFF:
        _power_on(body)
    else:
        cgroup.freeze(body.cgroup, frozen=False)
        if not network.is_up(body.link):
            network.set_up(body.link, up=True)
    until(
        lambda: _greets(body.machine.address),
        BOOT_WITHIN,
        f"sshd of {body.machine.name}",
        hint=f"see {body.console}",
    )
    if body.state.spec.docker:
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
        "LAB_DISK": str(disks(Path(), body.lab) / machine.name),
    }
    with body.console.open("ab") as console:
        # --fork: the machine is nobody's child here, and outlives us without a terminal of ours.
        subprocess.run(
            ["setsid", "--fork", "sh", str(BOOT_SCRIPT), "launch"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            cwd=state.cache,
            env={**os.environ, **settings},
            check=True,
        )


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


def execute(
    body: Body, argv: tuple[str, ...], *, check: bool = True, input: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as root inside the machine. CalledProcessError when checked and it fails."""
    inside = (
        *("nsenter", "--target", str(_pid_one(body)), "--mount", "--uts", "--ipc", "--net"),
        *("--pid", "--cgroup", "--", "env", "-i", f"PATH={PATH}", "HOME=/root", "LC_ALL=C.UTF-8"),
    )
    # In the machine's own branch of the cgroups, a power cut ends this process too.
    join = ("sh", "-c", 'echo 0 >"$1" && shift && exec "$@"', "sh")
    return subprocess.run(
        (*join, str(body.cgroup / "launcher/cgroup.procs"), *inside, *argv),
        input=b"" if input is None else input,
        capture_output=True,
        check=check,
    )


def _pid_one(body: Body) -> int:
    if body.condition is Condition.OFF or cgroup.is_frozen(body.cgroup):
        raise SshfleetError(
            f"{body.machine.name} is {body.condition}, nothing runs in it",
            hint=f"sshfleet lab boot {body.machine.name} --name {body.lab}",
        )
    # While it boots systemd is in the root of the branch, later in init.scope.
    for part in ("machine/init.scope", "machine"):
        with suppress(OSError):
            for pid in (body.cgroup / part / "cgroup.procs").read_text().split():
                if _is_pid_one(pid):
                    return int(pid)
    raise SshfleetError(f"{body.machine.name} has no pid 1 yet", hint=f"see {body.console}")


def _is_pid_one(pid: str) -> bool:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-1] == "1"
    return False

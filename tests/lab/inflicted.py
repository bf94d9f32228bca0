"""What befalls a machine of a lab, beyond what `Lab` does by itself."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sshfleet.errors import SshfleetError
from sshfleet.lab import command, network
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine
from sshfleet.lab.waiting import until
from tests.lab.user import systemctl

ANSWERS_ARE_LOST = ("OUTPUT", "-p", "tcp", "--sport", "22", "-j", "DROP")
BACK_WITHIN = 60  # seconds that a reboot may take on a busy computer


@contextmanager
def without_answers(lab: Lab, machine: str) -> Iterator[None]:
    """Let packets to the sshd of a machine arrive, and its answers get lost."""
    lab.run(machine, "iptables", "-A", *ANSWERS_ARE_LOST)
    try:
        yield
    finally:
        lab.run(machine, "iptables", "-D", *ANSWERS_ARE_LOST)


@contextmanager
def another_host_key(lab: Lab, machine: str) -> Iterator[None]:
    """Give a machine the host key of a new installation."""
    fresh = "ssh-keygen -q -N '' -t ed25519 -f /etc/ssh/ssh_host_ed25519_key"
    kept = "cd /etc/ssh; mkdir was; mv ssh_host_* was"
    lab.run(machine, "sh", "-ec", f"{kept}; {fresh}; systemctl restart ssh")
    lab.boot(machine)
    try:
        yield
    finally:
        back = "cd /etc/ssh; mv -f was/* .; rmdir was; systemctl restart ssh"
        lab.run(machine, "sh", "-ec", back)
        lab.boot(machine)


@contextmanager
def swapped_addresses(lab: Lab, one: LabMachine, other: LabMachine) -> Iterator[None]:
    """Let two machines have each other's address."""
    _give_addresses(lab, [(one, other.address), (other, one.address)])
    try:
        yield
    finally:
        _give_addresses(lab, [(one, one.address), (other, other.address)])
        for machine in (one, other):
            lab.boot(machine.name)


def _give_addresses(lab: Lab, addresses: list[tuple[LabMachine, str]]) -> None:
    bridge = network.bridge(lab.name)
    for machine, address in addresses:
        change = f"ip address flush dev eth0; ip address add {address}/24 dev eth0"
        lab.run(machine.name, "sh", "-ec", change)
        mac = network.hardware_address(lab.name, machine.number)
        known = ("lladdr", mac, "dev", bridge, "nud", "permanent")
        command.run("ip", "neighbour", "replace", address, *known)


@contextmanager
def another_systemctl(lab: Lab, machine: str, script: str) -> Iterator[None]:
    """Let a script of ours be systemctl on a machine."""
    put = "cat >/run/stub; chmod 755 /run/stub; mount --bind /run/stub /usr/bin/systemctl"
    lab.run(machine, "sh", "-ec", put, input=f"#!/bin/sh\n{script}\n".encode())
    try:
        yield
    finally:
        lab.run(machine, "umount", "/usr/bin/systemctl")


@contextmanager
def reloading(lab: Lab, machine: str) -> Iterator[None]:
    """Reload systemd on a machine time and again."""
    loop = "rm -f /run/enough; until [ -e /run/enough ]; do systemctl daemon-reload; done"
    with ThreadPoolExecutor() as pool:
        done = pool.submit(lab.run, machine, "sh", "-c", loop, check=False)
        try:
            yield
        finally:
            lab.run(machine, "touch", "/run/enough")
    assert done.result().returncode == 0


def reboot(lab: Lab, machine: str) -> None:
    """Let a machine reboot itself; return when all that it starts by itself has started."""

    def boot_id() -> bytes:
        try:
            return lab.run(machine, "cat", "/proc/sys/kernel/random/boot_id").stdout
        except (SshfleetError, subprocess.CalledProcessError):
            return before

    before = b""
    before = boot_id()
    lab.run(machine, "systemctl", "reboot", check=False)
    until(lambda: boot_id() != before, BACK_WITHIN, f"{machine} to be back")
    lab.boot(machine)
    systemctl(lab, machine, "is-system-running", "--wait")

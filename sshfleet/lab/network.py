"""The wires of a lab: one bridge on this computer, and the host's end of each machine's wire.

Rule 1: names follow from the lab's name (interface names have 15 characters, lab names up to 20,
        hence the digest) and so does every hardware address.
Rule 2: 198.18.0.0/16 is set aside for benchmarks of network devices (RFC 2544): it is nobody's
        real network. One /24 for each lab; .1 is this computer, machine n is .(10 + n).
Rule 3: a machine that is off or cut off is silent, as if a router were in between: this computer
        knows each hardware address for good, or it would say "no route to host" by itself.
Rule 4: a machine makes its own wire while it boots (boot.sh) and the wire goes when it ends.
"""

import hashlib
import re
from pathlib import Path

from sshfleet.errors import SshfleetError
from sshfleet.lab import command

INTERFACES = Path("/sys/class/net")


def bridge(lab: str) -> str:
    """Name the bridge of a lab."""
    return "sl" + hashlib.sha256(lab.encode()).hexdigest()[:6]


def link(lab: str, number: int) -> str:
    """Name the host's end of a machine's wire."""
    return f"{bridge(lab)}-{number}"


def hardware_address(lab: str, number: int) -> str:
    """Return the MAC of a machine: locally administered, the same at each boot."""
    digest = hashlib.sha256(lab.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:4], number))


def address(subnet: int, number: int) -> str:
    """Return the address of machine `number`."""
    return f"198.18.{subnet}.{10 + number}"


def free_subnet(reserved: set[int]) -> int:
    """Return an N whose 198.18.N.0/24 no interface of this computer uses and no lab reserved."""
    shown = command.run("ip", "-oneline", "-4", "address", "show")
    used = {int(number) for number in re.findall(r" 198\.18\.(\d+)\.", shown)}
    for number in range(256):
        if number not in used | reserved:
            return number
    raise SshfleetError("all 256 networks for labs are in use", hint="sshfleet lab down --all")


def create(lab: str, subnet: int, count: int) -> None:
    """Make the bridge of a lab with `count` machines."""
    name = bridge(lab)
    lines = [
        # An address of its own, or it takes one from each wire that comes, and forgets neighbours.
        f"link add {name} address {hardware_address(lab, 0)} type bridge",
        f"address add 198.18.{subnet}.1/24 dev {name}",
        f"link set {name} up",
    ]
    for number in range(1, count + 1):
        mac = hardware_address(lab, number)
        lines.append(
            f"neighbour add {address(subnet, number)} lladdr {mac} dev {name} nud permanent"
        )
    command.run("ip", "-batch", "-", input="\n".join(lines).encode())


def remove(lab: str) -> None:
    """Remove the bridge and every wire; a no-op when there are none."""
    name = bridge(lab)
    for interface in sorted(INTERFACES.glob(f"{name}*"), reverse=True):
        cut(interface.name)


def cut(name: str) -> None:
    """Remove an interface; it may be going by itself already."""
    try:
        command.run("ip", "link", "delete", name)
    except SshfleetError:
        if (INTERFACES / name).exists():
            raise


def set_up(name: str, up: bool) -> None:
    """Let a wire carry, or carry nothing in either direction."""
    command.run("ip", "link", "set", name, "up" if up else "down")


def is_up(name: str) -> bool:
    """Tell whether an interface exists and carries."""
    try:
        return bool(int((INTERFACES / name / "flags").read_text(), 16) & 1)  # IFF_UP
    except OSError:
        return False

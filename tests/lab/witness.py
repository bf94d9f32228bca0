"""What ran where and when, told by units that write the time to /run/witness-NAME all the while."""

from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine

SILENCE = 3.0  # seconds without a word that mean that it did not run


def active(lab: Lab, machine: LabMachine, unit: str) -> bool:
    """Tell whether systemd on a machine runs a unit, be it cut off or not."""
    done = lab.run(machine.name, "systemctl", "is-active", unit, check=False)
    return done.stdout.decode().strip() == "active"


def intervals(lab: Lab, machine: LabMachine, unit: str) -> list[tuple[float, float]]:
    """Return from when to when a unit ran on a machine since that has booted, in seconds."""
    told = lab.run(machine.name, "cat", f"/run/witness-{unit}", check=False).stdout.split()
    found: list[tuple[float, float]] = []
    for moment in (int(each) / 1e9 for each in told if each.isdigit()):
        if found and moment - found[-1][1] <= SILENCE:
            found[-1] = (found[-1][0], moment)
        else:
            found.append((moment, moment))
    return found

"""What a lab is asked to be, and what its machines then are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sshfleet.errors import UsageError

SUITES = ("bookworm", "trixie")
EXTRAS = ("docker", "podman")  # in the order in which roots get them
USERS = ("core", "root")
MOST = 200  # addresses of one /24
SHARED = "/srv/shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSpec:
    """Say what to boot; machines alternate between the suites. UsageError when impossible."""

    name: str = "lab"
    count: int = 3
    suites: tuple[str, ...] = ("bookworm",)
    extras: tuple[str, ...] = ()
    user: str = "core"
    inventory: Path | None = None  # None: ./inventory.yaml
    shared: Path | None = None  # a folder of this computer that all machines have as SHARED

    def __post_init__(self) -> None:
        check_name(self.name)
        if not 1 <= self.count <= MOST:
            raise UsageError(f"a lab has 1 to {MOST} machines, not {self.count}")
        if not self.suites or any(suite not in SUITES for suite in self.suites):
            raise UsageError(
                f"unknown suite in {', '.join(self.suites) or 'an empty list'}",
                hint=f"choose from {', '.join(SUITES)}",
            )
        if unknown := set(self.extras) - set(EXTRAS):
            raise UsageError(
                f"machines cannot be had with {', '.join(sorted(unknown))}",
                hint=f"choose from {', '.join(EXTRAS)}",
            )
        if self.user not in USERS:
            raise UsageError(f"unknown user {self.user!r}", hint=f"choose {' or '.join(USERS)}")
        if self.shared and not self.shared.is_absolute():
            raise UsageError(f"the shared folder {self.shared} is not an absolute path")

    def same_machines(self, other: "LabSpec") -> bool:
        """Tell whether a lab of that spec already is what this one asks for."""
        return self._machines() == other._machines()

    def _machines(self) -> tuple[object, ...]:
        """Return all that the machines are made of."""
        return (self.name, self.count, self.suites, set(self.extras), self.user, self.shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabMachine:
    """One machine as an inventory describes it."""

    name: str
    number: int  # from 1
    address: str
    suite: str
    machine_id: str
    host_key: str  # public, "ssh-ed25519 AAAA…"
    metadata: Mapping[str, str] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Raise UsageError unless `name` is safe in file, cgroup and inventory names."""
    if not re.fullmatch(r"[a-z0-9-]{1,20}", name):
        raise UsageError(
            f"{name!r} cannot be the name of a lab", hint="use 1 to 20 of the letters a-z, 0-9, -"
        )


def metadata_of(number: int, suite: str) -> dict[str, str]:
    """Give machine `number` something for the rules of [X-Fleet] to choose by."""
    odd = number % 2 == 1
    # Two keys that vary independently: every combination occurs from four machines on.
    first_pair = (number - 1) // 2 % 2 == 0
    return {
        "region": "us-east-1" if odd else "us-west-1",
        "disk": "ssd" if odd == first_pair else "hdd",
        "suite": suite,
    }

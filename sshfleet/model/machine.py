"""Machines as the inventory describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NewType

MachineName = NewType("MachineName", str)
"""The name admins use: a key under `machines:` in the inventory."""

MachineId = NewType("MachineId", str)
"""What the machine calls itself: 32 hex digits, machine-id(5)."""


class Become(StrEnum):
    """How the login user becomes root."""

    NONE = "none"
    SUDO = "sudo"


class FailoverMode(StrEnum):
    """What happens to a unit when its machine is lost (docs/unit-files.md, Failover=)."""

    MANUAL = "manual"
    LEASE = "lease"
    EAGER = "eager"


class DriftPolicy(StrEnum):
    """What happens to what somebody changed on a machine (docs/unit-files.md, Drift=)."""

    ENFORCE = "enforce"
    REPORT = "report"


class HandOver(StrEnum):
    """Which copy comes first when a unit moves (docs/unit-files.md, HandOver=)."""

    START_FIRST = "start-first"
    STOP_FIRST = "stop-first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One inventory entry; empty text and port 0 mean "not said here": ssh_config decides."""

    name: MachineName
    address: str
    user: str = ""
    port: int = 0
    become: Become | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    host_key: str = ""
    proxy_jump: str = ""
    machine_id: str = ""
    fence_command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverPolicy:
    """For units whose [X-Fleet] section has no Failover=; times in seconds."""

    mode: FailoverMode = FailoverMode.MANUAL
    lease: float = 90.0
    lost_after: float = 60.0


@dataclass(frozen=True, kw_only=True)  # no slots: the index is kept beside the fields
class Fleet:
    """A whole inventory: machines in the order of the file, names unique."""

    name: str
    machines: tuple[Machine, ...]
    failover: FailoverPolicy = FailoverPolicy()
    drift: DriftPolicy = DriftPolicy.ENFORCE

    def machine(self, name: str) -> Machine | None:
        """Find a machine by its name."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Machine]:
        return {machine.name: machine for machine in self.machines}

"""The processes of a fake machine: what its systemd knows of a unit, and how a start may end."""

from dataclasses import dataclass


@dataclass(slots=True)
class Process:
    """What a systemd knows of a unit it has loaded; `content` is what it was started from.

    `meant` is what that was but for the hands of others: what the record said then. `fresh`: it has
    begun seconds ago, which is said only where a test wants it.
    """

    active: str = "inactive"
    sub: str = "dead"
    result: str = "success"
    kind: str = "simple"
    runs: int = 0
    content: str = ""
    meant: str = ""
    restarts: int = 0
    fresh: bool = False


STARTED = {
    "active": Process("active", "running"),
    "fails": Process("failed", "failed", "exit-code"),
    "oneshot": Process("inactive", "dead", "success", "oneshot"),
    "slow": Process("activating", "start-pre"),
}

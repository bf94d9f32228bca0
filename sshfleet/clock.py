"""The clock by which silence and leases are measured: nobody sets it, and it goes on in sleep.

Rule 1: it is only compared with itself, and only within one boot of this computer.
"""

import time
from pathlib import Path
from typing import Protocol

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boottime_ms() -> int:
    """Return CLOCK_BOOTTIME in milliseconds: it only means something in one boot."""
    # Only Linux has it by that name; elsewhere there is no boot ID either, and nothing is counted.
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


def boot_id() -> str:
    """Return what tells this boot of this computer from any other; nothing when it is not known."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Clock(Protocol):
    """Seconds since some moment in a boot of this computer, whose ID is `boot`."""

    @property
    def boot(self) -> str:
        """Return what tells this boot from every other."""
        ...

    def seconds(self) -> float:
        """Return the time."""
        ...


class BootClock:
    """The clock of this computer; where boots cannot be told apart, each run takes its own for one
    of its own."""

    def __init__(self) -> None:
        self.boot = boot_id() or f"unknown-{time.monotonic_ns()}"

    def seconds(self) -> float:
        """Return the time."""
        return boottime_ms() / 1000

"""The clock that nobody sets and that counts sleep, and the boot of this computer it belongs to."""

import time
from pathlib import Path

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

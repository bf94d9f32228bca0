"""Failpoints: which step of a command goes wrong, and how.

A step is a local operation of the journal's folder (`local`) or something asked of a machine
(`remote`). Each kind of fault counts the steps it can strike; the one of its number is struck.

Rule 1: this module is imported before the program, and knows nothing of it.
Rule 2: what happens is told to whoever started us before it happens: afterwards may be too late.
"""

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What befalls a step. Killed after step n is killed before step n + 1; the last is the end."""

    KILL = "kill -9 before it"
    KILL_MIDWAY = "kill -9 in its midst"
    ENOSPC = "no space left"
    EIO = "input/output error"
    HANG = "hangs"
    DROP = "connection lost before it"
    DROP_MIDWAY = "connection lost in its midst"


@dataclass(frozen=True, slots=True)
class Fault:
    """The `number`-th step, from 1, that a kind of fault can strike."""

    kind: Kind
    number: int


class Points:
    """The steps of one command: counts them, and strikes one."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self._fault: Fault | None = None
        self._teller = -1

    def arm(self, fault: Fault | None, teller: int) -> None:
        """Begin to count; `teller` is a file descriptor that takes one line about what happens."""
        self.counts.clear()
        self._fault, self._teller = fault, teller

    def strikes(self, step: str, kind: Kind) -> bool:
        """Count a step and tell whether the fault is to strike now."""
        if self._teller < 0:
            return False
        self.counts[kind] += 1
        if self._fault != Fault(kind, self.counts[kind]):
            return False
        os.write(self._teller, f"{step}\n".encode())
        return True

    def die_or_hang(self, step: str) -> None:
        """Pass a step at which this process may be killed, or may never come back."""
        if self.strikes(step, Kind.KILL):
            die()
        if self.strikes(step, Kind.HANG):
            hang()


POINTS = Points()
"""Those of this process; a child that is forked has its own."""


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    """Never come back, as a call that waits for a broken disk; a signal's handler may raise."""
    while True:
        time.sleep(3600)

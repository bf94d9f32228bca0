"""sd_notify(3): tell the systemd that started us how we are, in datagrams on NOTIFY_SOCKET.

Rule 1: nobody has to listen: without the variable, or when the socket is gone or full, nothing
happens.
Rule 2: the watchdog is only fed by a cycle that ended and by the wait for the next one, so what
hangs in a cycle is found.
"""

import math
import os
import socket
from collections.abc import Mapping
from contextlib import suppress

PATIENCE = 1.0  # seconds for a full socket to have room again


class Supervisor:
    """Who watches over a service: systemd, or nobody."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._watchdog = _watchdog_seconds(environ)
        self._ready = False

    @property
    def pace(self) -> float:
        """Return after how many seconds at most `alive` is to be called again."""
        return self._watchdog / 2

    def cycle_ended(self, words: str) -> None:
        """Tell that a cycle ended, and how in a few words; the first makes the service ready."""
        lines = [f"STATUS={' '.join(words.split())}"]
        if not self._ready:
            lines.append("READY=1")
        self._ready = True
        self._tell(*lines)
        self.alive()

    def alive(self) -> None:
        """Feed the watchdog, if there is one."""
        if self._watchdog < math.inf:
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that the service ends."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.settimeout(PATIENCE)
            ours.sendto("\n".join(lines).encode(errors="replace"), self._address)


def _address(said: str) -> bytes:
    """Return where to send to; nothing for what is no path and no abstract name."""
    if len(said) < 2 or said[0] not in "/@":
        return b""
    name = os.fsencode(said)
    return b"\0" + name[1:] if said[0] == "@" else name


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """Return how long we may be quiet: WATCHDOG_USEC, unless WATCHDOG_PID means somebody else."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return math.inf
    said = environ.get("WATCHDOG_USEC", "")
    return int(said) / 1e6 if said.isascii() and said.isdigit() and int(said) else math.inf

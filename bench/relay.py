"""A delay between two interfaces, the same in both directions, for kernels without netem.

    python -m bench.relay NEAR FAR SECONDS

A process of its own, started by wire.py: it carries the packets of all machines. For each line on
stdin it prints how it did since the last, as JSON; it ends with stdin.

Rule 1: what belongs to a packet beside its bytes (checksum still to do, parts still to cut) travels
        with it: PACKET_VNET_HDR (packet(7)). Without it large packets would be lost for ever.
Rule 2: it watches itself: a packet sent later than it was due, or dropped, would be blamed on the
        contestant whose it was.
"""

import json
import os
import select
import socket
import struct
import sys
import time
from collections import deque

SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
LARGEST = 1 << 17  # bytes of one packet before it is cut
BUFFER = 1 << 26  # bytes that may wait while this process does not run
AT_ONCE = 64  # packets taken before those that are due are looked after

Waiting = tuple[float, bytes, socket.socket]  # due, packet, where to


class Relay:
    """Carries packets until nobody asks any more."""

    def __init__(self, near: str, far: str, delay: float) -> None:
        self._near, self._far, self._delay = _open(near), _open(far), delay
        self._waiting: deque[Waiting] = deque()  # one delay for all: they fall due in order
        self._late: list[float] = []
        self._lost = 0
        self._cpu = 0.0
        # One for all packets: fresh memory for the largest each time would cost more than the rest.
        self._room = memoryview(bytearray(LARGEST))

    def run(self) -> None:
        """Carry packets both ways, and answer lines on stdin."""
        across = {self._near: self._far, self._far: self._near}
        while True:
            wait = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            ready, _, _ = select.select([*across, sys.stdin.fileno()], [], [], wait)
            for one in ready:
                if isinstance(one, socket.socket):
                    self._take(one, across[one])
                elif not os.read(one, 4096):
                    return
                else:
                    sys.stdout.write(json.dumps(self._report()) + "\n")
                    sys.stdout.flush()
            self._send()

    def _take(self, came: socket.socket, to: socket.socket) -> None:
        due = time.monotonic() + self._delay
        for _ in range(AT_ONCE):
            try:
                size = came.recv_into(self._room)
            except OSError:  # EAGAIN: there are no more; ENETDOWN: the wire goes
                return
            self._waiting.append((due, bytes(self._room[:size]), to))

    def _send(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            due, packet, to = self._waiting.popleft()
            self._late.append(now - due)
            try:
                to.send(packet)
            except OSError:  # the wire is full or down
                self._lost += 1

    def _report(self) -> dict[str, float]:
        late, self._late = sorted(self._late), []
        lost = self._lost + sum(_dropped(end) for end in (self._near, self._far))
        self._lost = 0
        before, self._cpu = self._cpu, time.process_time()
        return {
            "packets": len(late),
            "cpu": self._cpu - before,
            "late": late[int(len(late) * 0.99)] if late else 0.0,
            "lost": lost,
        }


def _open(interface: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    opened.bind((interface, ETH_P_ALL))
    opened.setblocking(False)
    return opened


def _dropped(end: socket.socket) -> int:
    """Return how many packets the kernel had no room for since this was asked last."""
    _, drops = struct.unpack("II", end.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return int(drops)


def _hurry() -> None:
    """Let this process, of all, never wait for a processor."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:  # a container may have no time to give for that
        os.nice(-20)


def main() -> None:
    """Carry packets between two interfaces."""
    near, far, delay = sys.argv[1:]
    _hurry()
    relay = Relay(near, far, float(delay))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    relay.run()


if __name__ == "__main__":
    main()

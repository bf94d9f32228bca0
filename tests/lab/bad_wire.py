"""A wire that delays, loses, doubles and overtakes packets, for kernels without netem.

The machine's wire leaves the bridge, a new one takes its place there, and a thread carries packets
from one to the other.
Rule 1: what belongs to a packet beside its bytes (checksum still to do, parts still to cut) travels
        with it: PACKET_VNET_HDR (packet(7)). Without it large packets would be lost for ever.
Rule 2: only the way to the machine is bad, as with `tc qdisc add dev WIRE root netem`.
"""

import heapq
import itertools
import os
import random
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sshfleet.lab import command, network
from sshfleet.lab.lab import Lab

SOL_PACKET = 263
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3
LARGEST = 1 << 17  # bytes of one packet before it is cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How bad it is: seconds, and parts of all packets."""

    delay: float = 0.5
    jitter: float = 0.1
    lost: float = 0.1
    doubled: float = 0.01
    early: float = 0.01


@contextmanager
def bad_wire(lab: Lab, machine: str, weather: Weather) -> Iterator[None]:
    """Give a machine a bad wire for a while."""
    number = next(each.number for each in lab.machines if each.name == machine)
    wire, bridge = network.link(lab.name, number), network.bridge(lab.name)
    near, far = f"{wire}n", f"{wire}f"
    command.run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
    try:
        command.run("ip", "link", "set", wire, "nomaster")
        command.run("ip", "link", "set", near, "master", bridge, "up")
        command.run("ip", "link", "set", far, "up")
        with _carried(far, wire, weather):
            yield
    finally:
        network.cut(near)
        command.run("ip", "link", "set", wire, "master", bridge)


@contextmanager
def _carried(far: str, wire: str, weather: Weather) -> Iterator[None]:
    end, stop = os.pipe()
    with _open(far) as there, _open(wire) as machine:
        relay = _Relay(there, machine, weather)
        thread = threading.Thread(target=relay.run, args=(end,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.close(stop)
            thread.join()
            os.close(end)
    assert relay.lost, "the wire was not bad"


def _open(interface: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    opened.bind((interface, ETH_P_ALL))
    opened.setblocking(False)
    return opened


class _Relay:
    """Carries packets until a descriptor is closed; `late` holds those on their way."""

    def __init__(self, there: socket.socket, machine: socket.socket, weather: Weather) -> None:
        self.there, self.machine, self.weather = there, machine, weather
        self.late: list[tuple[float, int, bytes]] = []
        self.numbers = itertools.count()
        self.draw = random.Random(1)  # noqa: S311 - weather, no secrets
        self.lost = 0

    def run(self, end: int) -> None:
        """Carry packets both ways."""
        ends = self.there.fileno(), self.machine.fileno(), end
        while True:
            wait = max(0.0, self.late[0][0] - time.monotonic()) if self.late else None
            ready, _, _ = select.select([*ends], [], [], wait)
            if end in ready:
                return
            if ends[1] in ready:
                _send(self.there, self.machine.recv(LARGEST))
            if ends[0] in ready:
                self._take(self.there.recv(LARGEST))
            while self.late and self.late[0][0] <= time.monotonic():
                _send(self.machine, heapq.heappop(self.late)[2])

    def _take(self, packet: bytes) -> None:
        weather, draw = self.weather, self.draw
        if draw.random() < weather.lost:
            self.lost += 1
            return
        for _ in range(1 + (draw.random() < weather.doubled)):
            delay = weather.delay + draw.uniform(-1, 1) * weather.jitter
            delay = 0.0 if draw.random() < weather.early else delay
            heapq.heappush(self.late, (time.monotonic() + delay, next(self.numbers), packet))


def _send(to: socket.socket, packet: bytes) -> None:
    try:
        to.send(packet)
    except OSError:  # the wire is full or down: one more packet is lost
        return

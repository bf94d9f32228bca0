"""The contestants' place in the network: a namespace whose only wire leads to the lab's bridge.

The wire is plugged into the bridge itself, or into a relay that delays what goes either way. The
round-trip time is therefore that of the controller to all machines, and between the machines none.

Rule 1: all names begin with that of the lab's bridge, so that `lab down` removes the interfaces.
Rule 2: a machine that is off is silent (lab/network.py, rule 3): the namespace, too, knows each
        hardware address for good.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.timing import Passed
from sshfleet.lab import command, network
from sshfleet.lab.lab import Lab

PROJECT = Path(__file__).parents[1]
OURS = 2  # the last number of the namespace's address


class Wire:
    """The wire from the namespace to the machines."""

    def __init__(self, lab: Lab) -> None:
        self._bridge = network.bridge(lab.name)
        self._end = f"{self._bridge}-c"
        self._machines = [(one.address, one.number) for one in lab.machines]
        self._lab = lab.name
        self._relay: _Relay | None = None

    @property
    def inside(self) -> tuple[str, ...]:
        """Return the words before a command that is to run in the namespace."""
        return ("nsenter", f"--net=/run/netns/{self._bridge}", "--")

    @contextmanager
    def plugged(self) -> Iterator["Wire"]:
        """Make the namespace and its wire, for a while."""
        self._unplug()
        try:
            command.run("ip", "netns", "add", self._bridge)
            peer = ("peer", "name", "eth0", "netns", self._bridge)
            command.run("ip", "link", "add", self._end, "type", "veth", *peer)
            self._inside_batch("link set lo up", "link set eth0 up")
            command.run("ip", "link", "set", self._end, "master", self._bridge, "up")
            self.reach([address for address, _ in self._machines])
            yield self
        finally:
            self._unplug()

    def reach(self, addresses: Sequence[str]) -> None:
        """Let only these machines be reached: the others have no route."""
        net = self._machines[0][0].rpartition(".")[0]
        self._inside_batch(
            "address flush dev eth0",
            f"address add {net}.{OURS}/32 dev eth0",
            *(f"route replace {one}/32 dev eth0" for one in addresses),
            *(
                f"neighbour replace {address} lladdr {mac} dev eth0 nud permanent"
                for address, number in self._machines
                for mac in [network.hardware_address(self._lab, number)]
            ),
        )

    @contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        """Let a round trip take so much longer, for a while."""
        if not seconds:
            yield
            return
        near, far = f"{self._bridge}-n", f"{self._bridge}-f"
        command.run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        try:
            command.run("ip", "link", "set", self._end, "nomaster")
            command.run("ip", "link", "set", near, "master", self._bridge, "up")
            command.run("ip", "link", "set", far, "up")
            with _relay(self._end, far, seconds / 2) as self._relay:
                yield
        finally:
            self._relay = None
            network.cut(near)
            command.run("ip", "link", "set", self._end, "master", self._bridge)

    def passed(self) -> Passed:
        """Return how the relay did since this was asked last."""
        if self._relay is None:
            return Passed()
        return self._relay.ask()

    def ping(self, addresses: Sequence[str]) -> list[float]:
        """Measure the round-trip time to all these machines at once, in seconds."""
        argv = (*self.inside, sys.executable, "-m", "bench.ping", *addresses)
        times = json.loads(command.run(*argv, cwd=PROJECT))
        return sorted(float(one) for one in times)

    def _inside_batch(self, *lines: str) -> None:
        said = "\n".join(lines).encode()
        command.run("ip", "-netns", self._bridge, "-batch", "-", input=said)

    def _unplug(self) -> None:
        network.cut(self._end)
        if Path("/run/netns", self._bridge).exists():
            command.run("ip", "netns", "delete", self._bridge)


class _Relay:
    """The process that delays."""

    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions, self._answers = questions, answers

    def ask(self) -> Passed:
        self._questions.write("?\n")
        self._questions.flush()
        return Passed(**json.loads(self._answers.readline()))


@contextmanager
def _relay(near: str, far: str, delay: float) -> Iterator[_Relay]:
    argv = (sys.executable, "-m", "bench.relay", near, far, str(delay))
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        questions, answers = process.stdin, process.stdout
        if questions is None or answers is None or answers.readline() != "ready\n":
            raise OSError("the relay did not start")
        try:
            yield _Relay(questions, answers)
        finally:
            questions.close()

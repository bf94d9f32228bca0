"""Under which conditions a contest takes place: the distance, dead machines, a jump host.

Rule 1: a condition is undone when its contest ends, whatever happens in it.
Rule 2: no condition is taken on trust: a round trip is measured, and behind a jump host the
        contestants have no route to the machines themselves.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import scene
from bench.contest import Contest
from bench.machines import Machines
from bench.wire import Wire
from sshfleet.errors import SshfleetError
from sshfleet.lab.lab import Lab

DEAD = 10  # one machine in so many
USUAL = 20  # ms of a round trip where the distance is not what is compared
TRIES = 5  # to find it so
OFF_BY = 0.05  # part of a round trip that it may take longer, and
STARTS = 0.01  # seconds besides: all handshakes begin at once, on few processors


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition: milliseconds of a round trip, and what else there is."""

    name: str
    rtt: int
    dead: bool = False
    jump: bool = False


def condition(word: str) -> Condition:
    """Read `20`, `dead` or `jump`. ValueError when it is none of these."""
    if word == "dead":
        return Condition(name=f"1 of {DEAD} dead, {USUAL} ms", rtt=USUAL, dead=True)
    if word == "jump":
        return Condition(name=f"jump host, {USUAL} ms", rtt=USUAL, jump=True)
    return Condition(name=f"{int(word)} ms", rtt=int(word))


@dataclass(frozen=True, slots=True)
class Place:
    """A lab whose last machine is the jump host, and a wire to it."""

    lab: Lab
    wire: Wire
    machines: Machines
    folder: Path

    @property
    def jump(self) -> str:
        """Return the address of the jump host."""
        return self.lab.machines[-1].address

    @contextmanager
    def under(self, wanted: Condition, count: int) -> Iterator[Contest]:
        """Be under a condition with the first `count` machines, for a while."""
        hosts = tuple(machine.address for machine in self.lab.machines[:count])
        dead = hosts[-max(1, count // DEAD) :] if wanted.dead else ()
        alive = tuple(host for host in hosts if host not in dead)
        jump = self.jump if wanted.jump else ""
        self.wire.reach([jump] if jump else hosts)
        self.machines.kill(dead)
        try:
            with self.wire.delayed(wanted.rtt / 1000):
                _measure(self.wire, [jump] if jump else alive, wanted.rtt / 1000)
                yield Contest(
                    condition=wanted.name,
                    scene=scene.write(self.folder, self.lab, hosts, jump),
                    alive=alive,
                    machines=self.machines,
                    wire=self.wire,
                )
        finally:
            self.machines.boot(dead)


def _measure(wire: Wire, hosts: Sequence[str], wanted: float) -> None:
    """Raise SshfleetError unless a round trip takes what it should, at least when it is calm."""
    found = min(median(wire.ping(hosts)) for _ in range(TRIES))
    if not wanted <= found <= wanted * (1 + OFF_BY) + STARTS:
        raise SshfleetError(
            f"a round trip takes {found * 1000:.1f} ms instead of {wanted * 1000:.0f}",
            hint="is this computer busy with something else?",
        )

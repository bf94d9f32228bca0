"""What befalls the machines of a lab, and how each of it is undone.

Rule 1: a machine is struck by one thing at a time; who is frozen or off cannot be asked anything.
Rule 2: the wall clock cannot be set: all machines and this computer have one (there is no
namespace for it), so a clock that jumps is not among the faults.
"""

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from sshfleet.errors import SshfleetError
from sshfleet.lab.lab import Lab
from tests.faults.evidence import Freeze

Undo = Callable[[], object]
ENOUGH = "/run/nemesis-enough"
_RELOADS = f"until [ -e {ENOUGH} ]; do systemctl daemon-reload; done"
_UNIT = "u=$(ls /etc/sshfleet/units /run/sshfleet/units 2>/dev/null | grep ce$ | shuf -n1)"
_FILES = "/etc/systemd/system/$u /run/systemd/system/$u"
HANDS = {
    "stop": f'{_UNIT}; systemctl stop -- "$u"',
    "kill": f'{_UNIT}; systemctl kill -s KILL -- "$u"',
    "edit": f"{_UNIT}; for h in /etc /run; do f=$h/sshfleet/units/$u; "
    'if [ -f "$f" ]; then echo "# by hand" >>"$f"; fi; done; systemctl daemon-reload',
    "unlink": f"{_UNIT}; rm -f {_FILES}; systemctl daemon-reload",
    "no drop-in": f"{_UNIT}; rm -rf /run/systemd/system/$u.d; systemctl daemon-reload",
    "no guard": "rm -f /run/sshfleet/guard.sh",
    "guard stopped": "systemctl stop sshfleet-guard.timer",
    "no lease": "rm -f /run/sshfleet/lease",
}
"""What an admin does on a machine; sshfleet has to mend it."""


def now() -> float:
    """Return the time by the clock of all machines."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Story:
    """What happened when, in order; also in a file, to be read meanwhile."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def tell(self, kind: str, words: str) -> None:
        """Note that something begins or ends; a fault counts when it begins."""
        line = f"{now():10.2f}  {time.strftime('%H:%M:%S')}  {kind}: {words}"
        self.lines.append(line)
        with self.path.open("a") as file:
            file.write(f"{line}\n")


@dataclass(slots=True)
class Trouble:
    """A fault that lasts."""

    kind: str
    machines: list[str]
    until: float
    undo: Undo


class Mischief:
    """Strikes, and undoes what it did."""

    def __init__(self, lab: Lab, chance: random.Random, story: Story) -> None:
        self.lab, self.story, self._chance = lab, story, chance
        self.active: list[Trouble] = []
        self._past: list[tuple[float, list[str]]] = []  # until when what befell whom
        self._freezes: list[Freeze] = []
        self._frozen: dict[str, float] = {}  # since when
        self._kinds: dict[str, tuple[int, Callable[[list[str]], None]]] = {
            "partition": (8, lambda free: self._cut("partition", free[:1], (1, 80))),
            "brake": (1, lambda free: self._cut("brake", free[: len(free) // 3 + 1], (5, 40))),
            "all cut": (1, lambda free: self._cut("all cut", free, (2, 30))),
            "power": (4, self._power),
            "freeze": (3, self._freeze),
            "reloads": (2, self._reloads),
            "sshd": (2, self._sshd),
            "hands": (8, self._hands),
        }

    def busy(self) -> set[str]:
        """Name the machines that something has befallen."""
        return {name for one in self.active for name in one.machines}

    def struck_since(self, moment: float) -> set[str]:
        """Return the IDs of the machines that something has befallen since then, or still does."""
        names = self.busy().union(*(names for ended, names in self._past if ended >= moment))
        return {machine.machine_id for machine in self.lab.machines if machine.name in names}

    def freezes(self) -> list[Freeze]:
        """Return which machines stood still when, up to now."""
        still = [Freeze(id_, begun, now()) for id_, begun in self._frozen.items()]
        return [*self._freezes, *still]

    def strike(self) -> None:
        """Let a random thing befall what is well."""
        kinds = list(self._kinds)
        kind = self._chance.choices(kinds, [self._kinds[one][0] for one in kinds])[0]
        free = sorted({machine.name for machine in self.lab.machines} - self.busy())
        self._chance.shuffle(free)
        if free:
            self.story.counts[kind] += 1
            self._kinds[kind][1](free)

    def undo_due(self, *, at_once: bool = False) -> None:
        """End what has lasted long enough, or all of it."""
        for one in list(self.active):
            if at_once or now() >= one.until:
                one.undo()
                self._past.append((now(), one.machines))
                self.active.remove(one)
                self.story.tell(f"end of {one.kind}", " ".join(one.machines))

    def _lasts(
        self, kind: str, machines: Iterable[str], seconds: tuple[float, float], undo: Undo
    ) -> None:
        until = now() + self._chance.uniform(*seconds)
        names = list(machines)
        self.active.append(Trouble(kind, names, until, undo))
        self.story.tell(kind, f"{' '.join(names)} for {until - now():.1f} s")

    def _cut(self, kind: str, machines: list[str], seconds: tuple[float, float]) -> None:
        for name in machines:
            self.lab.partition(name)

        def heal() -> None:
            for name in machines:
                self.lab.heal(name)

        self._lasts(kind, machines, seconds, heal)

    def _power(self, free: list[str]) -> None:
        self.lab.kill(free[0])
        self._lasts("power", free[:1], (0, 60), lambda: self.lab.boot(free[0]))

    def _freeze(self, free: list[str]) -> None:
        id_ = next(one.machine_id for one in self.lab.machines if one.name == free[0])
        begun = now()
        self._frozen[id_] = begun
        self.lab.freeze(free[0])

        def thaw() -> None:
            self.lab.thaw(free[0])
            self._freezes.append(Freeze(id_, begun, now()))
            del self._frozen[id_]

        self._lasts("freeze", free[:1], (2, 50), thaw)

    def _reloads(self, free: list[str]) -> None:
        self.lab.run(free[0], "rm", "-f", ENOUGH)
        storm = Thread(target=self.lab.run, args=(free[0], "sh", "-c", _RELOADS), daemon=True)
        storm.start()

        def over() -> None:
            self.lab.run(free[0], "touch", ENOUGH)
            storm.join()

        self._lasts("reloads", free[:1], (2, 20), over)

    def _sshd(self, free: list[str]) -> None:
        self.lab.run(free[0], "systemctl", "stop", "ssh.socket", "ssh.service", check=False)

        def back() -> None:
            self.lab.run(free[0], "systemctl", "start", "ssh.service")
            self.lab.boot(free[0])

        self._lasts("sshd", free[:1], (2, 40), back)

    def _hands(self, free: list[str]) -> None:
        what = self._chance.choice(list(HANDS))
        try:
            done = self.lab.run(free[0], "sh", "-c", f"{HANDS[what]}; echo $u", check=False)
        except (SshfleetError, subprocess.SubprocessError) as error:
            self.story.tell("hands", f"{what} on {free[0]} failed: {error}")
            return
        self._past.append((now(), free[:1]))
        self.story.tell("hands", f"{what} {done.stdout.decode().strip()} on {free[0]}")

"""One turn of a contest: every contestant does every task once, on the same machines.

Rule 1: before each contestant the machines are wiped, after each task they are looked at: deployed
        is what runs there with the right file, and nothing-to-do leaves running what ran.
Rule 2: the first turn is not counted. It warms caches, and proves that `status` and `nothing to
        do` really look: the unit is stopped by hand on one machine, and they must see and mend it.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contestants import Contestant, Task
from bench.machines import Found, Machines
from bench.scene import Scene
from bench.timing import Row, Sample
from bench.wire import Wire

LONGEST = 900  # seconds a command may take
ORDER = (Task.DEPLOY, Task.STATUS, Task.AGAIN)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, after how many seconds, and what it said."""

    code: int
    seconds: float
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Machines under one condition; those that are not `alive` are dead."""

    condition: str
    scene: Scene
    alive: tuple[str, ...]
    machines: Machines
    wire: Wire

    def turn(self, one: Contestant, number: int) -> Iterator[Sample]:
        """Let a contestant do all tasks once."""
        self._start_afresh()
        before: dict[str, Found] = {}
        for task in ORDER:
            self.wire.passed()
            ended = self._run(one, task)
            passed = self.wire.passed()
            found = self.machines.look(self.alive)
            wrong = self._wrong(one, task, ended, before, found)
            before = found
            yield Sample(
                row=Row(len(self.scene.hosts), self.condition, task),
                contestant=one.name,
                turn=number,
                seconds=ended.seconds,
                wrong=wrong,
                passed=passed,
            )

    def proof(self, one: Contestant) -> str:
        """Say how a contestant fails to see, or to mend, what was stopped by hand; "" if not."""
        spoiled = self.alive[-1]
        if not one.looks:
            return ""
        if not self.machines.look([spoiled])[spoiled].runs:
            return "it deployed nothing that could be stopped"
        self.machines.spoil(spoiled)
        ended = self._run(one, Task.STATUS)
        if seen := self._unseen(one, ended, self.alive[:-1]):
            return f"status of a stopped unit: {seen}"
        ended = self._run(one, Task.AGAIN)
        if not self.machines.look([spoiled])[spoiled].runs:
            return f"did not mend what was stopped: {_last(ended)}"
        return ""

    def _start_afresh(self) -> None:
        self.machines.wipe(self.alive)
        for name in ("state", "home"):
            shutil.rmtree(self.scene.folder / name, ignore_errors=True)
        (self.scene.folder / "home").mkdir()

    def _run(self, one: Contestant, task: Task) -> Ended:
        said = self.scene.folder / "said"
        variables = {**self.scene.environment, **one.environment}
        argv = (*self.wire.inside, "env", "-i", *(f"{k}={v}" for k, v in variables.items()))
        with said.open("wb") as output:
            begun = time.monotonic()
            try:
                done = subprocess.run(
                    [*argv, *one.command(task)],
                    cwd=self.scene.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    timeout=LONGEST,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                done = -1
            seconds = time.monotonic() - begun
        _close_masters(self.scene.folder / "control")
        return Ended(done, seconds, said.read_text(errors="replace"))

    def _wrong(
        self,
        one: Contestant,
        task: Task,
        ended: Ended,
        before: dict[str, Found],
        found: dict[str, Found],
    ) -> str:
        """Say what was not done of a task; "" if all was."""
        if ended.code and self.alive == self.scene.hosts:
            return f"exit code {ended.code}: {_last(ended)}"
        if idle := [host for host, here in found.items() if not here.runs]:
            return f"does not run on {len(idle)}, such as {idle[0]}: {_last(ended)}"
        if task is Task.STATUS:
            return self._unseen(one, ended, self.alive)
        if task is Task.AGAIN and found != before:
            return "something was started again"
        return ""

    def _unseen(self, one: Contestant, ended: Ended, expected: Sequence[str]) -> str:
        seen = set(re.findall(one.shown, ended.output, re.MULTILINE))
        if seen == set(expected):
            return ""
        return f"shows {len(seen)} active instead of {len(expected)}: {_last(ended)}"


def _last(ended: Ended) -> str:
    lines = ended.output.strip().splitlines()
    return " / ".join(lines[-3:])[-400:]


def _close_masters(folder: Path) -> None:
    """End the connections that OpenSSH keeps for the next command."""
    for socket in folder.iterdir():
        subprocess.run(
            ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "-F", "/dev/null", "any"],
            capture_output=True,
            check=False,
        )

"""`reconcile --every 1` as a process that is killed, stopped and started again at random."""

import random
import signal
import socket
import subprocess
from pathlib import Path

from tests.faults.mischief import Story, now
from tests.lab.user import User

EVERY = "1"
LONGEST_STOP = 20.0  # seconds by SIGSTOP
LONGEST_ABSENCE = 12.0  # seconds after a kill
ENDS_WITHIN = 120  # seconds for a cycle to be finished when asked to end


class Keeper:
    """Somebody who looks all the time, unless something happens to it."""

    def __init__(self, user: User, chance: random.Random, story: Story) -> None:
        self._user, self._chance, self._story = user, chance, story
        self._log = (user.folder / "keeper.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self._until: float | None = None  # when it goes on, if it is killed or stopped
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.setblocking(False)
        self._address = Path(user.folder, "told")
        self._told.bind(str(self._address))
        self.cycles = 0

    def start(self) -> None:
        """Begin to look."""
        self._process = subprocess.Popen(
            self._user.command("reconcile", "--every", EVERY),
            cwd=self._user.folder,
            env={**self._user.variables, "NOTIFY_SOCKET": str(self._address)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def suffer(self) -> None:
        """Be killed or stopped, sometimes only for a moment; nothing while it still is."""
        if self._until is not None or self._process is None:
            return
        if self._chance.random() < 0.6:
            self._end(signal.SIGKILL)
            gone = self._chance.choice((0.0, self._chance.uniform(0, LONGEST_ABSENCE)))
            self._befalls("kill", gone)
        else:
            self._process.send_signal(signal.SIGSTOP)
            self._befalls("sigstop", self._chance.uniform(0.5, LONGEST_STOP))

    def tick(self) -> list[str]:
        """Go on when it is time, and count the cycles; say so if it ended by itself."""
        self._count()
        if self._until is not None and now() >= self._until:
            self.go_on()
        if self._process is not None and self._process.poll() is not None:
            return [f"reconcile --every ended by itself: {self._process.returncode}"]
        return []

    def go_on(self) -> None:
        """End what it suffers from."""
        self._until = None
        if self._process is None:
            self.start()
        else:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Let it end as a service does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._end(signal.SIGTERM)
        self._count()

    def kill(self) -> None:
        """End it at once; a no-op when it does not run."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    def _befalls(self, kind: str, seconds: float) -> None:
        self._story.counts[kind] += 1
        self._story.tell(kind, f"the controller, for {seconds:.1f} s")
        self._until = now() + seconds

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(ENDS_WITHIN)
        self._process = None

    def _count(self) -> None:
        while True:
            try:
                told = self._told.recv(4096)
            except BlockingIOError:
                return
            self.cycles += b"STATUS=last cycle" in told

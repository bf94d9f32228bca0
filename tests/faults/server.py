"""A process that has the program imported, and forks a child for each command it is told to run.

    {"commands": [{"words": [...], "environ": {...}, "folder": "...", "fault": [kind, number]}]}

One line in, one line out: for each command its exit code (negative: the signal), what it printed,
the step that was struck, and how many steps there were of each kind. Several commands are started
at the same instant.

Rule 1: the children are forked before any event loop runs or any thread is started.
"""

import gc
import json
import os
import select
import signal
import sys
import tempfile
import traceback
from typing import IO, Any

from tests.faults import local
from tests.faults.points import POINTS, Fault, Kind, die

local.install()

import asyncssh  # noqa: E402, F401 - what a command imports on its way, once and for all
import msgspec  # noqa: E402, F401
import rich.console  # noqa: E402, F401
import yaml  # noqa: E402, F401

import sshfleet.converge  # noqa: E402
import sshfleet.journal.cache  # noqa: E402
import sshfleet.journal.store  # noqa: E402
import sshfleet.transport.ssh  # noqa: E402, F401
from sshfleet.cli import outcome, running  # noqa: E402, F401
from sshfleet.cli.app import run  # noqa: E402
from tests.faults import remote  # noqa: E402

remote.install()

BLOCKED = 1.0  # seconds: who hangs in a call to the kernel hears nothing, SIGKILL ends it
ENDS_WITHIN = 20.0  # seconds after SIGTERM: it promises 10, and this computer may be busy
ONCE = 8  # one of so many that hang gets a single SIGTERM; a second ends them at once, sooner
LONGEST = 300.0


def main() -> None:
    """Serve until standard input ends."""
    gc.freeze()
    for line in sys.stdin:
        children = [Child(command) for command in json.loads(line)["commands"]]
        for child in children:
            child.go()
        print(json.dumps([child.ended() for child in children]), flush=True)  # noqa: T201


class Child:
    """One command in a process of its own, that waits until it is let go."""

    def __init__(self, command: dict[str, Any]) -> None:
        self._fault = command.get("fault")
        self._forced = False
        said = (tempfile.TemporaryFile(), tempfile.TemporaryFile())  # noqa: SIM115 - closed when read
        self._said: tuple[IO[bytes], IO[bytes]] = said
        told, self._teller = os.pipe()
        gate, self._gate = os.pipe()
        self._told = os.fdopen(told, "rb")
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._gate)
            os.read(gate, 1)
            self._become(command)
        os.close(gate)
        os.close(self._teller)

    def go(self) -> None:
        """Let it begin."""
        os.write(self._gate, b"!")
        os.close(self._gate)

    def _become(self, command: dict[str, Any]) -> None:
        """Be the command; does not return."""
        code = 99
        try:
            for number, stream in enumerate(self._said, start=1):
                os.dup2(stream.fileno(), number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(command["folder"])
            os.environ.clear()
            os.environ.update(command["environ"])
            sys.argv = ["sshfleet", *command["words"]]
            fault = Fault(Kind(self._fault[0]), self._fault[1]) if self._fault else None
            POINTS.arm(fault, self._teller)
            code = run(command["words"])
            sys.stdout.flush()
            if POINTS.strikes("the end", Kind.KILL):
                die()
            counts = json.dumps({kind: POINTS.counts[kind] for kind in Kind})
            os.write(self._teller, f"={counts}\n".encode())
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def ended(self) -> dict[str, Any]:
        """Wait for its end, bringing it about where it hangs; tell how it was."""
        struck, counts = "", {}
        while line := self._next_line():
            if line.startswith("="):
                counts = json.loads(line[1:])
            else:
                struck = line
                if self._fault and self._fault[0] == Kind.HANG:
                    self._end(self._fault[1], blocked=line in (*local.CHANGES, "flock"))
        _, status = os.waitpid(self.pid, 0)
        self._told.close()
        return {
            "code": os.waitstatus_to_exitcode(status),
            "stdout": _content(self._said[0]),
            "stderr": _content(self._said[1]),
            "struck": struck,
            "forced": self._forced,
            "counts": counts,
        }

    def _next_line(self) -> str:
        """Return what the child tells next, nothing at its end; end one that never does."""
        ready, _, _ = select.select([self._told], [], [], LONGEST)
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
        return self._told.readline().decode().strip()

    def _end(self, number: int, *, blocked: bool) -> None:
        """Ask the child to end, most of them twice; kill it if it does not."""
        ended = os.pidfd_open(self.pid)
        asked = [BLOCKED] if blocked else [ENDS_WITHIN]
        if not blocked and number % ONCE:
            asked.insert(0, BLOCKED)
        for within in asked:
            os.kill(self.pid, signal.SIGTERM)
            if select.select([ended], [], [], within)[0]:
                break
        else:
            os.kill(self.pid, signal.SIGKILL)
            self._forced = not blocked
        os.close(ended)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    with file:
        return file.read().decode("utf-8", "backslashreplace")


if __name__ == "__main__":
    main()

"""A fleet of very many machines in a few processes, and a user who works with it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sshfleet.lab.waiting import until
from tests.lab.user import PROJECT, User

PATIENCE = 300  # seconds that a busy computer may take for anything
FILES_BEFORE = 20  # more open files than a command has before it connects
EVERY_ADDRESS = ("0.0.0.0", 0)  # noqa: S104 - each of 127.0.0.0/8 is a machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """How many of each: those that answer, swallow SYN, say nothing, greet a byte a second."""

    good: int
    dead: int = 0
    mute: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one command took: how it ended, seconds on the clock and of CPU, kB, open files."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    cpu: float
    memory: int
    files: int


PREFIXES = {"dead": "127.2", "mute": "127.3", "slow": "127.4", "good": "127.1"}
"""Those that trouble come first in the inventory."""


@contextmanager
def crowd(folder: Path, kinds: Kinds, *, servers: int = 1) -> Iterator[User]:
    """Make a fleet and be its user; machines are called good-00001, dead-00001 and so on."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        for key in ("user_key", "host_key"):
            command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
            subprocess.run(command, check=True)
        ports = [0]
        for _ in range(servers):
            ports = stack.enter_context(_server(folder / "host_key", ports[0]))
        dead = stack.enter_context(_swallows())
        agent = stack.enter_context(_agent(folder))
        kind = ("good", "slow", "mute", "dead")
        _describe(folder, kinds, dict(zip(kind, (*ports, dead), strict=True)))
        variables = {
            "SSH_AUTH_SOCK": str(agent),
            "SSHFLEET_INVENTORY": str(folder / "inventory.yaml"),
            "SSHFLEET_KNOWN_HOSTS_FILE": str(folder / "known_hosts"),
        }
        yield User(folder, variables)


@contextmanager
def _server(key: Path, port: int) -> Iterator[list[int]]:
    argv = [sys.executable, "-m", "tests.crowd.server", str(key), str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield [int(word) for word in process.stdout.readline().split()]
        finally:
            process.kill()


@contextmanager
def _agent(folder: Path) -> Iterator[Path]:
    # Below the folder of the whole run: the path of a socket must be short.
    path = Path(os.environ["HOME"]) / "crowd.socket"
    argv = ["ssh-agent", "-D", "-a", str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout
        daemon.stdout.readline()
        try:
            command = ("ssh-add", "-q", str(folder / "user_key"))
            subprocess.run(command, check=True, env={**os.environ, "SSH_AUTH_SOCK": str(path)})
            yield path
        finally:
            daemon.terminate()


@contextmanager
def _swallows() -> Iterator[int]:
    """Listen with a queue that is full, so that Linux drops every further SYN."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(EVERY_ADDRESS, backlog=0))
        where = ("127.0.0.1", listener.getsockname()[1])
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(where)
        yield where[1]


def _describe(folder: Path, kinds: Kinds, ports: dict[str, int]) -> None:
    """Write the inventory and known_hosts."""
    key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    lines = ["fleet:", "  name: crowd", "defaults:", "  user: core", "  become: none", "machines:"]
    known = []
    for kind, prefix in PREFIXES.items():
        for number in range(getattr(kinds, kind)):
            where = f"{prefix}.{number >> 8}.{number & 255}"
            said = f"{{address: {where}, port: {ports[kind]}}}"
            lines.append(f"  {kind}-{number:05}: {said}")
            known.append(f"[{where}]:{ports[kind]} {key}")
    (folder / "inventory.yaml").write_text("\n".join([*lines, ""]))
    (folder / "known_hosts").write_text("\n".join([*known, ""]))


class Run:
    """One command of a user while it runs."""

    def __init__(self, user: User, *words: str, files: int = 0, **variables: str) -> None:
        self._note = user.folder / f"cost-{time.monotonic_ns()}"
        limit = ["/bin/sh", "-c", f'ulimit -n {files or "$(ulimit -Hn)"}; exec "$@"', "sh"]
        argv = [sys.executable, "-m", "tests.crowd.measured", str(self._note)]
        self.most = 0
        self._begun = time.monotonic()
        self._process = subprocess.Popen(
            [*argv, *limit, *user.command(*words)],
            cwd=user.folder,
            env={**user.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """Return the process of the command, 0 before it runs."""
        try:
            return int(Path(f"{self._note}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def files(self) -> int:
        """Count its open files now."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd")) if self.pid else 0  # noqa: PTH208
        except OSError:
            return 0

    def interrupt(self, after: float) -> float:
        """Send SIGINT so many seconds after the first connection; return how many it goes on."""
        until(lambda: self.files() > FILES_BEFORE, PATIENCE, "the first connection")
        time.sleep(after)
        begun = time.monotonic()
        os.kill(self.pid, signal.SIGINT)
        until(lambda: not self.files(), PATIENCE, "the end of the command")
        return time.monotonic() - begun

    def cost(self, longest: float) -> Cost:
        """Wait for its end, counting open files all the time."""
        while True:
            try:
                out, err = self._process.communicate(timeout=0.02)
                break
            except subprocess.TimeoutExpired:
                self.most = max(self.most, self.files())
                if time.monotonic() - self._begun > longest:
                    self._process.kill()
        cpu, memory = self._note.read_text().split()
        return Cost(
            code=self._process.returncode,
            stdout=out,
            stderr=err,
            seconds=time.monotonic() - self._begun,
            cpu=float(cpu),
            memory=int(memory),
            files=self.most,
        )

"""An ssh-agent for a test: it runs while the test does."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshfleet.lab.waiting import until
from tests.lab.user import User


@contextmanager
def agent_at(socket: Path) -> Iterator[None]:
    """Run an agent without a key that listens at a path."""
    words = ["ssh-agent", "-D", "-a", str(socket)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as daemon:
        try:
            until(socket.exists, 30, "the agent")
            yield
        finally:
            daemon.terminate()


def add_key(path: Path, user: User) -> None:
    """Make a key, and give it to the agent of a user."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    subprocess.run(["ssh-add", "-q", path], check=True, env=user.variables, capture_output=True)

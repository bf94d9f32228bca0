"""`reconcile --every` as a process of its own: no machine is needed to see it live and end."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.programs import PATIENCE
from tests.cli.test_wrong_input import is_refused
from tests.lab.user import User

INVENTORY = "machines:\n  m1: {address: 192.0.2.1}\n"


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSHFLEET_JOURNAL": "j/journal.jsonl"})
    someone.writes("inventory.yaml", INVENTORY)
    return someone


@contextmanager
def serving(
    user: User, *words: str, **variables: str
) -> Iterator[tuple["subprocess.Popen[str]", socket.socket]]:
    """Run the service; give its process and what it notifies, over when the block is."""
    path = user.folder / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(str(path))
        ears.settimeout(PATIENCE)
        variables = {"NOTIFY_SOCKET": str(path), **variables}
        with user.begins("reconcile", "--every", *words, **variables) as process:
            try:
                yield process, ears
            finally:
                process.kill()


def heard(ears: socket.socket, word: str) -> str:
    """Wait for a datagram with this word; return it."""
    while word not in (said := ears.recv(4096).decode()):
        pass
    return said


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, 143, "terminated\n"), (signal.SIGINT, 130, "interrupted\n")],
)
def test_a_service_is_ready_after_a_cycle_and_ends_at_once_on_a_signal(
    user: User, number: signal.Signals, code: int, word: str
) -> None:
    with serving(user, "600") as (process, ears):
        assert heard(ears, "READY=1").startswith("STATUS=last cycle: all is well, took ")
        process.send_signal(number)
        assert heard(ears, "STOPPING=1") == "STOPPING=1"
        assert process.communicate(timeout=PATIENCE) == ("", word)
        assert process.returncode == code


def test_a_verb_in_between_works_and_the_watchdog_is_fed(user: User) -> None:
    with serving(user, "600", WATCHDOG_USEC="200000") as (process, ears):
        heard(ears, "READY=1")
        assert user.gets("cordon", "m1") == "Machine m1 cordoned\n"
        for _ in range(3):
            heard(ears, "WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=PATIENCE) == ("", "terminated\n")


def test_a_service_without_an_inventory_tells_it_once_and_begins_when_there_is_one(
    user: User,
) -> None:
    (user.folder / "inventory.yaml").unlink()
    metrics = user.folder / "a.prom"
    with serving(user, "0.1", "--metrics", "a.prom") as (process, ears):
        for _ in range(3):
            heard(ears, "STATUS=last cycle: exit code 2,")
        assert "sshfleet_last_run_exit_code" in metrics.read_text()
        user.writes("inventory.yaml", INVENTORY)
        heard(ears, "STATUS=last cycle: all is well,")
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=PATIENCE)[1]
    assert told.count("error:") == 1
    assert told.endswith("all is well again\nterminated\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--every", "0"), "--every 0 is not a number of seconds above 0"),
        (("--every", "-1"), "--every -1 is not"),
        (("--every", "nan"), "--every nan is not"),
        (("--every", "60", "--dry-run"), "--dry-run and --every exclude each other"),
        (("--metrics", "a.prom", "--dry-run"), "--dry-run and --metrics exclude each other"),
        (("--every", "60", "-o", "json"), "--every would print a document in each cycle"),
    ],
)
def test_what_cannot_be_asked_of_a_service_is_refused(
    user: User, words: tuple[str, ...], says: str
) -> None:
    is_refused(user.runs("reconcile", *words), 2, says)

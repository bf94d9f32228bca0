import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

import pytest

from sshfleet.errors import JournalError, TryLater
from sshfleet.journal.files import Folder
from sshfleet.journal.lock import Holder, Lock

NAME = "journal.jsonl.lock"
US = Holder(pid=os.getpid(), by="core@laptop", cmd="sshfleet start", since="2026-11-23T08:00:06Z")

HOLD = """
import sys
from pathlib import Path
from sshfleet.journal.files import Folder
from sshfleet.journal.lock import Holder, Lock
folder = Folder.open(Path(sys.argv[1]))
holder = Holder(pid=4711, by="root@cron", cmd="sshfleet reconcile", since="2026-11-23T07:59:00Z")
lock = Lock.take(folder, "journal.jsonl.lock", holder)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder.open(tmp_path) as opened:
        yield opened


@contextmanager
def another_sshfleet(folder: Folder) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that holds the lock until its stdin ends."""
    command = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_one_is_told_who_holds_the_lock_and_since_when(folder: Folder) -> None:
    with another_sshfleet(folder), pytest.raises(TryLater) as caught:
        Lock.take(folder, NAME, US)
    assert caught.value.message == (
        "another sshfleet holds the journal: "
        "root@cron (pid 4711) since 2026-11-23T07:59:00Z: sshfleet reconcile"
    )
    assert caught.value.exit_code == 75
    assert caught.value.place == str(folder.path / NAME)
    assert caught.value.hint


def test_the_lock_dies_with_its_process(folder: Folder) -> None:
    with another_sshfleet(folder) as process:
        process.kill()
        process.wait()
        Lock.take(folder, NAME, US).release()


def test_the_lock_is_free_once_it_was_released(folder: Folder) -> None:
    lock = Lock.take(folder, NAME, US)
    lock.release()
    lock.release()
    Lock.take(folder, NAME, US).release()
    assert (folder.path / NAME).read_bytes() == b""


def test_a_program_we_started_does_not_hold_the_lock_after_us(folder: Folder) -> None:
    lock = Lock.take(folder, NAME, US)
    # close_fds=False: nothing but O_CLOEXEC keeps our files from the child.
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
        assert NAME not in opened_files(child.pid)
        lock.release()
        Lock.take(folder, NAME, US).release()
        child.kill()


def opened_files(pid: int) -> str:
    """Name the files a process has open, once it is the program it was started for."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/comm").read_text() != "cat\n":
        assert time.monotonic() < deadline
    names = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the loader still opens and closes libraries
            names.append(str(link.readlink()))
    return " ".join(names)


def test_who_waits_long_enough_gets_the_lock(folder: Folder) -> None:
    first = Lock.take(folder, NAME, US)
    release = Timer(0.2, first.release)
    release.start()
    Lock.take(folder, NAME, US, wait=10).release()
    release.join()


def test_waiting_ends_in_time(folder: Folder) -> None:
    first = Lock.take(folder, NAME, US)
    began = time.monotonic()
    with pytest.raises(TryLater):
        Lock.take(folder, NAME, US, wait=0.3)
    assert 0.3 <= time.monotonic() - began < 5
    first.release()


@pytest.mark.parametrize("words", [b"", b"{", b"[]", b"\xff\x00", b"[" * 100_000])
def test_what_stands_in_the_lock_file_decides_nothing(folder: Folder, words: bytes) -> None:
    path = folder.path / NAME
    folder.stage(NAME, words)
    lock = Lock.take(folder, NAME, US)
    path.write_bytes(words)
    with pytest.raises(TryLater) as caught:
        Lock.take(folder, NAME, US)
    assert caught.value.message == "another sshfleet holds the journal"
    lock.release()


def test_the_holders_words_cannot_steer_a_terminal(folder: Folder) -> None:
    lock = Lock.take(folder, NAME, Holder(pid=1, by="a\x1b[2J", cmd="b\n" * 500, since=""))
    with pytest.raises(TryLater) as caught:
        Lock.take(folder, NAME, US)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    lock.release()


def test_a_link_in_the_place_of_the_lock_is_refused(folder: Folder) -> None:
    (folder.path / "precious").write_text("precious")
    (folder.path / NAME).symlink_to("precious")
    with pytest.raises(JournalError):
        Lock.take(folder, NAME, US)
    assert (folder.path / "precious").read_text() == "precious"


def test_no_file_is_left_open_by_those_who_came_too_late(folder: Folder) -> None:
    lock = Lock.take(folder, NAME, US)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(TryLater):
        Lock.take(folder, NAME, US, wait=0.2)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    lock.release()

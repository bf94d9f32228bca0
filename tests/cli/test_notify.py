"""What systemd hears of a service, on real sockets."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sshfleet.cli.notify import Supervisor

NOBODY = str(os.getpid() + 1)


@pytest.fixture(params=["path", "abstract"])
def ears(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Give the value of NOTIFY_SOCKET and the socket that listens there."""
    path = str(tmp_path / "a notify%s")
    abstract = f"sshfleet-test-{os.getpid()}-{tmp_path.name}"
    said, address = (path, path) if request.param == "path" else ("@" + abstract, "\0" + abstract)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.setblocking(False)
        yield said, listener


def heard(listener: socket.socket) -> list[list[str]]:
    """Return the lines of each datagram so far."""
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(listener.recv(4096).decode().split("\n"))
    return found


def test_the_first_cycle_makes_the_service_ready_and_the_end_is_told(
    ears: tuple[str, socket.socket],
) -> None:
    said, listener = ears
    supervisor = Supervisor({"NOTIFY_SOCKET": said})
    assert heard(listener) == []
    supervisor.cycle_ended("exit code 3\nMAINPID=1")
    supervisor.cycle_ended("all is well")
    supervisor.stopping()
    assert heard(listener) == [
        ["STATUS=exit code 3 MAINPID=1", "READY=1"],
        ["STATUS=all is well"],
        ["STOPPING=1"],
    ]


@pytest.mark.parametrize("more", [{}, {"WATCHDOG_PID": str(os.getpid())}])
def test_a_watchdog_is_fed_after_each_cycle_and_twice_in_its_time(
    ears: tuple[str, socket.socket], more: dict[str, str]
) -> None:
    said, listener = ears
    supervisor = Supervisor({"NOTIFY_SOCKET": said, "WATCHDOG_USEC": "30000000", **more})
    assert supervisor.pace == 15.0
    supervisor.cycle_ended("all is well")
    supervisor.alive()
    assert heard(listener)[1:] == [["WATCHDOG=1"], ["WATCHDOG=1"]]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": NOBODY},
    ],
)
def test_without_a_watchdog_of_ours_none_is_fed(
    ears: tuple[str, socket.socket], environ: dict[str, str]
) -> None:
    said, listener = ears
    supervisor = Supervisor({"NOTIFY_SOCKET": said, **environ})
    supervisor.alive()
    assert (supervisor.pace, heard(listener)) == (float("inf"), [])


@pytest.mark.parametrize("said", ["", "@", "/", "/no/such/socket", "vsock:2:1234", "/" + "x" * 300])
def test_nobody_has_to_listen(said: str) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": said, "WATCHDOG_USEC": "1000000"})
    supervisor.cycle_ended("all is well")
    supervisor.stopping()

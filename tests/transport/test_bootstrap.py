"""The command that starts a script: in any login shell, whole or not at all, root by sudo."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from sshfleet.model.machine import Become
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.bootstrap import STARTED, run_command, started, stream_command
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.transport.server import Server

SHELLS = [name for name in ("sh", "bash", "zsh", "fish", "csh", "tcsh") if shutil.which(name)]


def start(shell: str, command: str, home: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [shell, "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        start_new_session=True,
    )


def in_shell(shell: str, run: Run, home: Path) -> Completed:
    command, stdin = run_command(run, sudo=False)
    with start(shell, command, home) as child:
        stdout, stderr = child.communicate(stdin, timeout=30)
    return started(Completed(status=child.returncode, stdout=stdout, stderr=stderr), "web", "core")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 100_000])
def test_script_and_data_in_one_piece_are_parted_exactly(shell: str, size: int, home: Path) -> None:
    script = "# é !! it's `x` $y \\\\\n" * 500 + "cat; exit 4\n\n\n"
    data = os.urandom(size)
    assert in_shell(shell, Run(script=script, data=data), home) == Completed(
        status=4, stdout=data, stderr=b""
    )


def test_script_and_data_in_many_pieces_are_parted_exactly(home: Path) -> None:
    run = Run(script="cat # " + "x" * 200, data=b"the data")
    command, stdin = run_command(run, sudo=False)
    with start("sh", command, home) as child:
        assert child.stdin
        assert child.stdout
        for byte in stdin:
            child.stdin.write(bytes([byte]))
            child.stdin.flush()
            time.sleep(0.0005)  # so that the pieces are read one by one
        child.stdin.close()
        assert child.stdout.read() == b"the data"


@pytest.mark.parametrize("lost", [1, 2, 10])
def test_a_script_that_was_cut_short_is_not_run(home: Path, lost: int) -> None:
    run = Run(script=f"touch {home}/ran; true")
    command, stdin = run_command(run, sudo=False)
    with start("sh", command, home) as child:
        child.communicate(stdin[:-lost], timeout=30)
    assert child.returncode == 125
    assert not (home / "ran").exists()


def test_the_command_holds_nothing_of_script_and_data() -> None:
    run = Run(script="echo secret", data=b"secret", seconds=1.5)
    for command, _ in (run_command(run, sudo=True), stream_command(run, sudo=True)):
        assert "secret" not in command
        assert "\n" not in command
        assert "!" not in command
    assert " sudo -n -- timeout -k 5 2 " in run_command(run, sudo=True)[0]


@pytest.mark.parametrize("script", ["", "\n", "a\0b"])
def test_a_script_that_cannot_be_sent_is_refused(script: str) -> None:
    with pytest.raises(TransportError):
        run_command(Run(script=script), sudo=False)


def test_the_data_of_a_stream_must_not_contain_nul() -> None:
    with pytest.raises(TransportError):
        stream_command(Run(script="cat", data=b"\0"), sudo=False)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_stream_gets_its_data_while_its_input_stays_open(shell: str, home: Path) -> None:
    data = b"one\ntwo\n\n"
    command, stdin = stream_command(Run(script="cat; exit 6", data=data), sudo=False)
    with start(shell, command, home) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(stdin)
        child.stdin.flush()
        assert child.stdout.read() == data
        assert child.wait(timeout=10) == 6


def test_a_stream_ends_with_all_it_started_when_its_input_does(home: Path) -> None:
    # The trap comes after the fork: a child that has not yet become sleep would say bye as well.
    script = "sleep 1000 & trap 'echo bye; exit' TERM; echo $!; wait"
    command, stdin = stream_command(Run(script=script), sudo=False)
    with start("sh", command, home) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(stdin)
        child.stdin.flush()
        pid = int(child.stdout.readline())
        child.stdin.close()
        # `timeout` is in the group too and passes the signal on: bye may be said a second time.
        assert set(child.stdout.read().splitlines()) == {b"bye"}
        assert child.wait(timeout=10) != 0
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < deadline:
            if " Z " in Path(f"/proc/{pid}/stat").read_text():
                break  # killed; nobody here reaps it
            time.sleep(0.02)
        else:
            assert not Path(f"/proc/{pid}").exists()


SUDO = {
    "password": ("sudo: a password is required", "sudo needs a password for core on web"),
    "terminal": ("sudo: a terminal is required to read the password", "needs a password"),
    "stranger": ("core is not in the sudoers file.", "sudo refuses core on web"),
    "missing": ("/usr/bin/env: 'sudo': No such file or directory", "runs no commands"),
    "noise": ("sudo: unable to resolve host x\nsudo: a password is required", "needs a password"),
}


@pytest.mark.parametrize(("said", "message"), SUDO.values(), ids=SUDO)
def test_a_sudo_that_refuses_is_told_from_a_script_that_fails(said: str, message: str) -> None:
    with pytest.raises(TransportError, match=message) as caught:
        started(Completed(status=1, stdout=b"", stderr=said.encode()), "web", "core")
    assert caught.value.trouble is Trouble.UNMANAGEABLE
    assert caught.value.hint


def test_a_script_may_fail_with_the_words_of_sudo() -> None:
    stderr = b"sudo: unable to resolve host x\n" + STARTED + b"sudo: a password is required\n"
    done = started(Completed(status=1, stdout=b"", stderr=stderr), "web", "core")
    assert done.stderr == stderr.replace(STARTED, b"")


@pytest.mark.parametrize("status", [None, 0])
def test_a_run_that_was_lost_before_it_started_has_an_unknown_outcome(status: int | None) -> None:
    lost = Completed(status=status, stdout=b"", stderr=b"")
    if status is None:
        assert started(lost, "web", "core") == lost
    else:
        with pytest.raises(TransportError, match="runs no commands"):
            started(lost, "web", "core")


NOLOGIN = "This account is currently not available."


async def test_a_login_shell_that_refuses_is_unmanageable(
    options: SshOptions, server: Server
) -> None:
    server.rewrite = lambda _: f"echo {NOLOGIN}; exit 1"
    async with SshTransport(options) as transport:
        for work in (
            transport.run(server.machine(), Run(script="true")),
            transport.stream(server.machine(), Run(script="true"), lambda *_: None),
        ):
            with pytest.raises(TransportError, match=NOLOGIN) as caught:
                await work
            assert caught.value.trouble is Trouble.UNMANAGEABLE


async def test_noise_of_the_login_shell_does_no_harm(options: SshOptions, server: Server) -> None:
    server.rewrite = lambda command: f"echo Welcome; echo Hm >&2; {command}"
    async with SshTransport(options) as transport:
        done = await transport.run(server.machine(), Run(script="cat", data=b"in"))
    assert done == Completed(status=0, stdout=b"Welcome\nin", stderr=b"Hm\n")


@pytest.mark.parametrize(
    ("user", "become", "root", "sudo"),
    [
        ("core", None, True, True),
        ("core", None, False, False),
        ("root", None, True, False),
        ("root", Become.SUDO, True, True),
        ("core", Become.NONE, True, False),
    ],
)
async def test_root_is_reached_as_the_inventory_says_or_by_sudo_for_all_but_root(
    options: SshOptions, server: Server, user: str, become: Become | None, root: bool, sudo: bool
) -> None:
    server.name = user
    server.rewrite = lambda command: command.replace("sudo -n -- ", "")
    async with SshTransport(options) as transport:
        machine = server.machine(user=user, become=become)
        await transport.run(machine, Run(script="true", root=root))
        await transport.stream(machine, Run(script="true", root=root), lambda *_: None)
    assert ["sudo -n -- " in command for command in server.commands] == [sudo, sudo]

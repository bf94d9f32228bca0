"""Signals to real processes: how they end, what they say, and that nothing can keep them."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.programs import HEAD, PATIENCE, end, is_ready, program

ENDING = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]


@pytest.mark.parametrize(("number", "code"), ENDING)
def test_a_signal_cancels_work_which_then_closes_what_it_holds(
    number: signal.Signals, code: int
) -> None:
    with program("run(wait())") as process:
        is_ready(process)
        process.send_signal(number)
        assert end(process) == (code, "closed\ninterrupted\n", "")


@pytest.mark.parametrize(("number", "code"), ENDING)
def test_outside_of_a_loop_a_signal_ends_what_goes_on(number: signal.Signals, code: int) -> None:
    text = """
ours = Signals()
try:
    with ours:
        ready()
        time.sleep(600)
except Interrupted:
    sys.exit(ours.code)
"""
    with program(text) as process:
        is_ready(process)
        process.send_signal(number)
        assert end(process) == (code, "", "")


STOPPED = """
async def heed(stop):
    stop.begun = True
    late = await stop.within(wait(), "given up")
    return late if stop.asked else "not asked"

stop = Stop(grace={grace})
run(heed(stop), stop)
"""


@pytest.mark.parametrize(
    ("number", "code", "again"),
    [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")],
)
def test_a_run_that_has_begun_is_asked_to_stop_and_what_is_late_is_given_up(
    number: signal.Signals, code: int, again: str
) -> None:
    with program(STOPPED.format(grace=0.2)) as process:
        is_ready(process)
        process.send_signal(number)
        said = f"stopping: waiting up to 0.2 s for 1 machine; {again} again ends at once\n"
        assert end(process) == (code, f"{said}closed\ngiven up\n", "")


def test_signals_that_come_together_are_one() -> None:
    with program(STOPPED.format(grace=1)) as process:
        is_ready(process)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
        code, out, err = end(process)
        assert (code, out.splitlines()[-2:], err) == (143, ["closed", "given up"], "")


def test_a_second_signal_ends_at_once_whatever_goes_on() -> None:
    with program(STOPPED.format(grace=600)) as process:
        is_ready(process)
        process.send_signal(signal.SIGINT)
        assert process.stdout
        assert process.stdout.readline().startswith("stopping: ")
        time.sleep(0.5)  # or it would count as an echo of the first
        process.send_signal(signal.SIGTERM)
        said = "interrupted at once; the journal is sound, sshfleet reconcile goes on\n"
        assert end(process) == (130, "", said)


@pytest.mark.parametrize(
    "work", ["stubborn()", "asyncio.to_thread(lambda: [ready(), time.sleep(600)])"]
)
def test_what_does_not_let_itself_be_cancelled_is_ended_by_time(work: str) -> None:
    with program(f"signals.CLOSING = 0.5\nrun({work})") as process:
        is_ready(process)
        process.send_signal(signal.SIGTERM)
        code, _, err = end(process)
        said = "terminated at once; the journal is sound, sshfleet reconcile goes on\n"
        assert (code, err) == (143, said)


def test_what_was_ignored_when_we_were_started_stays_so() -> None:
    text = """
async def read():
    ready()
    return await asyncio.to_thread(sys.stdin.readline)

run(read())
"""
    ignore = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with program(ignore + text, stdin=subprocess.PIPE) as process:
        is_ready(process)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate("still here", timeout=PATIENCE)
        code = process.returncode
        assert (code, out, err) == (0, "still here\n", "")


def test_when_the_terminal_is_closed_the_last_words_go_nowhere() -> None:
    text = """
import fcntl, os, termios
fcntl.ioctl(1, termios.TIOCSCTTY, 0)
stop = Stop(grace=0.1)

async def heed():
    stop.begun = True
    os.write(int(sys.argv[1]), b"ready\\n")
    await stop.within(asyncio.Event().wait(), None)
    for stream in (sys.stdout, sys.stderr):
        print("nobody hears this", file=stream, flush=True)
    os.write(int(sys.argv[1]), b"done\\n")

run(heed(), stop)
"""
    ours, theirs = pty.openpty()
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + text, str(write)],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, start_new_session=True,
        pass_fds=(write,),
    )  # fmt: skip
    os.close(theirs)
    os.close(write)
    with process, os.fdopen(read) as told:
        assert told.readline() == "ready\n"
        os.close(ours)
        assert process.wait(PATIENCE) == 143
        assert told.read() == "done\n"

"""What a signal makes of a run."""

import asyncio
import os
import signal

import pytest

from sshfleet.cli.interrupts import run
from sshfleet.cli.terminated import Interrupted, Terminated


@pytest.mark.parametrize(
    ("number", "end"),
    [(signal.SIGINT, Interrupted), (signal.SIGTERM, Terminated), (signal.SIGHUP, Terminated)],
)
def test_a_signal_cancels_the_work_and_ends_the_run(
    number: signal.Signals, end: type[BaseException]
) -> None:
    closed = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            closed.append("connections")

    with pytest.raises(end):
        run(work())
    assert closed == ["connections"]

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace

import asyncssh
import pytest

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.pulse import BEAT, Pulse
from sshfleet.transport.ssh import SshTransport
from tests.transport.server import Server

LIMIT = 1.0
HELLO = Run(script="echo hello")


async def test_a_pulse_tells_how_long_nothing_was_heard() -> None:
    pulse = Pulse()
    await asyncio.sleep(2 * BEAT)
    before = pulse.missed
    stand_still(4 * BEAT)
    await asyncio.sleep(2 * BEAT)
    pulse.stop()
    assert pulse.missed - before >= 3 * BEAT


async def test_a_machine_that_answers_while_nobody_listens_is_not_called_silent(
    options: SshOptions, server: Server
) -> None:
    server.users = Halting(server.users, times=1)
    async with SshTransport(replace(options, timeout=LIMIT)) as transport:
        done = await transport.run(server.machine(), HELLO)
    assert done == Completed(status=0, stdout=b"hello\n", stderr=b"")
    assert server.asked_about_keys == 2


async def test_who_is_never_listened_to_is_not_called_silent(
    options: SshOptions, server: Server
) -> None:
    server.users = Halting(server.users, times=9)
    async with SshTransport(replace(options, timeout=LIMIT)) as transport:
        with pytest.raises(TransportError, match="too busy to hear whether one answers") as caught:
            await transport.run(server.machine(), HELLO)
    assert caught.value.trouble is Trouble.FAULT_HERE


class Halting(list[asyncssh.SSHKey]):
    """Keys of users; when one is looked for, this whole program stands still for a while."""

    def __init__(self, keys: Iterable[asyncssh.SSHKey], times: int) -> None:
        super().__init__(keys)
        self.times = times

    def __contains__(self, key: object) -> bool:
        if self.times:
            self.times -= 1
            stand_still(LIMIT + 1)
        return super().__contains__(key)


def stand_still(seconds: float) -> None:
    time.sleep(seconds)

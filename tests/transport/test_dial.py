"""What can be told of a machine before it is our turn to talk to it."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from sshfleet.transport.dial import LONGEST_GREETING, greeted


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        yield here, there


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n", b"x" * LONGEST_GREETING])
async def test_what_a_machine_said_is_left_to_be_read(
    ends: tuple[socket.socket, socket.socket], said: bytes
) -> None:
    here, there = ends
    there.sendall(said)
    await greeted(here)
    assert here.recv(1000) == said


async def test_a_machine_that_closed_has_nothing_more_to_say(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    here, there = ends
    there.close()
    await greeted(here)


async def test_a_greeting_that_comes_in_pieces_is_waited_for(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    here, there = ends
    waiting = asyncio.create_task(greeted(here))
    for piece in (b"SSH", b"-2.0", b"-x"):
        there.sendall(piece)
        done, _ = await asyncio.wait({waiting}, timeout=0.15)
        assert not done
    there.sendall(b"\n")
    await asyncio.wait_for(waiting, 30)


async def test_giving_up_leaves_the_event_loop_alone(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    here, _there = ends
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(greeted(here), 0.01)
    assert not asyncio.get_running_loop().remove_reader(here)

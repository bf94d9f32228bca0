"""A machine that is far away: a proxy before its sshd that lets every byte travel for a while.

Rule 1: what it counts is time: how much longer a connection takes from its first byte to its last
than it does without the delay, in round trips. Work on the machine takes as long either way.
Rule 2: the proxy takes the TCP handshake upon itself, so it holds back what comes first for as long
as that would have taken: a whole connection is counted.
"""

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SSH_PORT = 22


@dataclass(slots=True)
class Way:
    """The way to one machine, `round_trip` seconds long."""

    address: str
    round_trip: float
    port: int = 0
    spans: "queue.SimpleQueue[float]" = field(default_factory=queue.SimpleQueue)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, and note how long it took from its begin to its last byte."""
        now = asyncio.get_running_loop().time
        begun = now()
        far_reader, far_writer = await asyncio.open_connection(self.address, SSH_PORT)
        there = self._one_way(reader, far_writer, begun + self.round_trip)
        back = self._one_way(far_reader, writer, begun)
        ended = await asyncio.gather(there, back)
        self.spans.put(max(ended) - begun)

    def only_span(self) -> float:
        """Return the seconds that the connection took of which there was one since the last."""
        span = self.spans.get(timeout=30)
        assert self.spans.empty()
        return span

    async def _one_way(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, earliest: float
    ) -> float:
        """Carry bytes one way, each half a round trip later; return when the last one came."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.create_task(_send(waiting, writer))
        came = loop.time()
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                came = loop.time()
                waiting.put_nowait((max(came, earliest) + self.round_trip / 2, data))
        waiting.put_nowait((loop.time() + self.round_trip / 2, b""))
        await sending
        return came


async def _send(
    waiting: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
) -> None:
    now = asyncio.get_running_loop().time
    with suppress(OSError):
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - now()))
            if not data:
                break
            writer.write(data)
    writer.close()


@contextmanager
def far_away(address: str, round_trip: float) -> Iterator[Way]:
    """Let a machine be reached at a port of this computer, for a while."""
    way, ready, stop = Way(address, round_trip), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(way.carry, "127.0.0.1", 0)
        way.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield way
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()

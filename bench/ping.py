"""How long a TCP handshake takes to each of many machines, all begun at once.

    python -m bench.ping ADDRESS...

Prints a JSON list of seconds. A handshake is one round trip, done by the kernels alone.
"""

import asyncio
import json
import sys
import time

SSH_PORT = 22


async def _round_trip(address: str) -> float:
    begun = time.monotonic()
    _, writer = await asyncio.open_connection(address, SSH_PORT)
    took = time.monotonic() - begun
    writer.close()
    return took


async def _all(addresses: list[str]) -> list[float]:
    return [*await asyncio.gather(*map(_round_trip, addresses))]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_all(sys.argv[1:]))) + "\n")

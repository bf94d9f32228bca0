"""Waiting for what must become so, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Ask again and again until it holds; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is asked has no event to wait for
            await asyncio.sleep(0.02)

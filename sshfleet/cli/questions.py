"""Questions on the terminal: asked on stderr, answered on stdin, `no` when nobody answers."""

import asyncio
import os
import sys

from sshfleet.render.safe import safe

ANSWER_AT_ONCE = 1.0  # seconds; a pipe or file has its answer ready or has none
LONGEST = 100  # bytes of an answer


async def ask(question: str) -> bool:
    """Ask and return whether the answer was yes."""
    sys.stderr.write(f"{safe(question)} [yes/no] ")
    sys.stderr.flush()
    shown = sys.stdin.isatty()  # then what is typed is, and the end of its line
    answer = b""
    try:
        answer = await _line(None if shown else ANSWER_AT_ONCE)
    finally:
        if not (shown and answer.endswith(b"\n")):
            sys.stderr.write("\n")
    return answer.decode("utf-8", "replace").strip().lower() in ("yes", "y")


async def _line(seconds: float | None) -> bytes:
    """Read one line byte by byte, so that the next question finds the next line."""
    line = b""
    while not line.endswith(b"\n") and len(line) < LONGEST:
        byte = os.read(0, 1) if await _readable(seconds) else b""
        if not byte:
            break
        line += byte
    return line


async def _readable(seconds: float | None) -> bool:
    """Wait until stdin has something. No thread waits there: none could be interrupted."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(0, ready.set)
    except PermissionError:  # epoll_ctl(2): a file, which always has
        return True
    try:
        async with asyncio.timeout(seconds):
            await ready.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(0)
    return True

"""Questions on the terminal: asked on stderr, answered on stdin, `no` when nobody answers."""

import asyncio
import os
import select
import sys

from sshfleet.render.safe import safe

ANSWER_AT_ONCE = 1.0  # seconds; a pipe or file has its answer ready or has none
LONGEST = 100  # bytes of an answer


async def ask(question: str) -> bool:
    """Ask and return whether the answer was yes."""
    return await asyncio.to_thread(_ask, question)


def _ask(question: str) -> bool:
    sys.stderr.write(f"{safe(question)} [yes/no] ")
    sys.stderr.flush()
    answer = sys.stdin.readline() if sys.stdin.isatty() else _piped_line()
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    return answer.strip().lower() in ("yes", "y")


def _piped_line() -> str:
    """Read one line byte by byte, so that the next question finds the next line."""
    line = b""
    while not line.endswith(b"\n") and len(line) < LONGEST:
        ready, _, _ = select.select([0], [], [], ANSWER_AT_ONCE)
        byte = os.read(0, 1) if ready else b""
        if not byte:
            break
        line += byte
    return line.decode("utf-8", "replace")

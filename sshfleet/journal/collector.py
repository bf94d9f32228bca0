"""Python's collector of cyclic garbage, paused while a journal is read.

Rule 1: only around work that builds what stays. The collector would look at all of it again and
again, a third of the time that 100,000 units take, and find nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Let nobody look for garbage in the block; what it leaves is looked at once, after it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

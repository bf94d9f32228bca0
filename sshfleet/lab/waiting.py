"""Wait for something to become so, never longer than said."""

import time
from collections.abc import Callable

from sshfleet.errors import SshfleetError


def until(
    condition: Callable[[], bool], within: float, what: str, hint: Callable[[], str] = str
) -> None:
    """Return as soon as `condition` holds; SshfleetError after `within` seconds."""
    if not holds(condition, within):
        raise SshfleetError(f"waited {within:.0f} s for {what}, in vain", hint=hint())


def holds(condition: Callable[[], bool], within: float) -> bool:
    """Tell, as soon as it does, that `condition` holds; False when not in `within` seconds."""
    deadline = time.monotonic() + within
    pause = 0.002
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return True

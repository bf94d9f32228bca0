"""A stderr for a service: what was said in the turn before is not said again.

Rule 1: a hint and indented lines belong to the line above them, and are told with it.
Rule 2: only this turn and the one before are remembered.
"""

import io
from typing import TextIO


class News(io.TextIOBase):
    """Passes on lines that the turn before did not have."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._begun = ""
        self._head, self._told = "", True
        self._before: set[tuple[str, str]] = set()
        self._now: set[tuple[str, str]] = set()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Take text; each line of it is passed on, or not, once it is whole."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)

    def flush(self) -> None:
        """Let a reader see what was passed on."""
        self._to.flush()

    def close(self) -> None:
        """Do nothing: what it writes to is not its own."""

    def turn_ended(self, *, skipped: bool = False) -> None:
        """Begin a new turn; one that was skipped leaves all that was known as it is."""
        if self._begun:
            self.write("\n")
        self._before = self._now | (self._before if skipped else set())
        self._now = set()
        self._head, self._told = "", True
        self.flush()

    def _take(self, line: str) -> None:
        below = line.startswith(("hint:", " "))
        if not below:
            self._head = line
        known = (self._head, line) in self._before
        self._now.add((self._head, line))
        if below and not known and not self._told:
            self._to.write(f"{self._head}\n")
        if not known:
            self._to.write(f"{line}\n")
        self._told = not known or (below and self._told)

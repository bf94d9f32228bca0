"""Whole lines out of the chunks in which bytes arrive.

Rule 1: what is kept stays bounded: a line longer than LONGEST is handed on in pieces.
"""

LONGEST = 1 << 20  # bytes


class Lines:
    """Keeps the line that has begun until its end arrives."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._size = 0

    def take(self, chunk: bytes) -> list[bytes]:
        """Return the lines that a chunk completes, without their newlines."""
        *whole, rest = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join((*self._begun, whole[0]))
            self._begun, self._size = [], 0
        if rest:
            self._begun.append(rest)
            self._size += len(rest)
        if self._size > LONGEST:
            whole += self.rest()
        return whole

    def rest(self) -> list[bytes]:
        """Return what is left when no more comes: a line without its newline, or nothing."""
        left = [b"".join(self._begun)] if self._begun else []
        self._begun, self._size = [], 0
        return left

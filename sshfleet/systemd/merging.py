"""The entries of several journals as one: in the order of their time.

Rule 1: the entries of one machine keep their order, whatever its clock says.
Rule 2: an entry is shown as soon as every machine has told a later one or has ended, and at the
latest `hold` seconds after it came. With an infinite `hold` the order is exact.
Rule 3: an entry of several lines that belong together (Mode.ends) is never shown in parts.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sshfleet.systemd.journalctl import Mode
from sshfleet.systemd.lines import Lines


@dataclass(slots=True)
class _Entry:
    """Lines that came together; `first` is the first line, which may have been shown before."""

    first: bytes
    time: int
    came: float
    timed: bool = False
    whole: bool = True
    lines: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Source:
    """One machine: what it told and was not shown yet; `first` and `time` are of its last entry."""

    rank: int
    lines: Lines = field(default_factory=Lines)
    waiting: deque[_Entry] = field(default_factory=deque)
    first: bytes = b""
    time: int = 0
    ended: bool = False

    @property
    def ready(self) -> bool:
        """Tell whether an entry can be shown."""
        return bool(self.waiting) and (self.waiting[0].whole or self.ended)


class Merge:
    """Takes what machines say as it comes, gives lines in order. Times in seconds of any clock."""

    def __init__(self, machines: Iterable[str], mode: Mode, hold: float) -> None:
        self._mode, self._hold = mode, hold
        self._sources = {machine: _Source(rank) for rank, machine in enumerate(machines)}
        self._shown: _Source | None = None

    def take(self, machine: str, chunk: bytes, now: float) -> None:
        """Take a chunk of a machine's output."""
        source = self._sources[machine]
        for line in source.lines.take(chunk):
            self._add(source, line, now)

    def end(self, machine: str, now: float) -> None:
        """Note that no more will come from a machine."""
        source = self._sources[machine]
        for line in source.lines.rest():
            self._add(source, line, now)
        source.ended = True

    def _add(self, source: _Source, line: bytes, now: float) -> None:
        mode, last = self._mode, source.waiting[-1] if source.waiting else None
        begins = mode.begins.match(line) is not None
        if begins:
            source.first = line
        if begins or last is None or (mode.ends and last.whole):
            last = _Entry(source.first, source.time, now, timed=not begins)
            source.waiting.append(last)
        last.lines.append(line)
        last.whole = mode.ends is None or mode.ends.match(line) is not None
        time = None if last.timed else mode.time(line)
        if time is not None:
            last.time = source.time = time
            last.timed = True

    def ready(self, now: float) -> Iterator[tuple[str, bytes]]:
        """Yield machine and line of all that can be shown by now."""
        while found := self._next(now):
            machine, entry = found
            for line in entry.lines:
                for shown in self._mode.shown(entry.first, line):
                    yield machine, shown

    def _next(self, now: float) -> tuple[str, _Entry] | None:
        ready = [(name, source) for name, source in self._sources.items() if source.ready]
        if not ready:
            return None
        waits = any(not source.ended and not source.ready for source in self._sources.values())
        if waits and all(now - source.waiting[0].came < self._hold for _, source in ready):
            return None
        name, self._shown = min(ready, key=lambda one: self._turn(one[1]))
        return name, self._shown.waiting.popleft()

    def _turn(self, source: _Source) -> tuple[int, bool, int]:
        """Let the earliest be next; of equals the one that was shown last, which may go on."""
        return source.waiting[0].time, source is not self._shown, source.rank

"""A simulated disk: what the journal asked of it, and every way it can look after a power cut.

The trace is taken below `os`, while the real code works on a real folder. The model is as harsh as
POSIX allows: what was written to a file counts only after fsync of that file, and a name only after
fsync of the folder. Until then each write may be missing, or be there in part, and each change of a
name may be missing or come before another. Two things are assumed: a rename is one step, and fsync
does what it says.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, permutations, product
from pathlib import Path
from typing import Any

import pytest

SECTOR = 512
LEFT_OUT = ("README", ".lock")  # nothing depends on what is in them


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset of a file; files have numbers, names come and go."""

    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file gets a size."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Named:
    """A change of names, in one step: creation, link, rename, removal (file None)."""

    names: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Synced:
    """fsync of a file, or of the folder (None)."""

    file: int | None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """From here on so many events must never be lost."""

    events: int


Step = Write | Truncate | Named | Synced | Acknowledged


@dataclass(frozen=True, slots=True)
class Look:
    """A folder after a power cut: names, the files they mean, what must not have been lost."""

    files: dict[str, tuple[int, bytes]]
    events: int


class Disk:
    """Records what is asked of one folder; begins with what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[Step] = []
        self._names = {path.name: n for n, path in enumerate(sorted(folder.iterdir()))}
        self.before = {n: (folder / name).read_bytes() for name, n in self._names.items()}
        self.names_before = dict(self._names)
        self._count = len(self._names)
        self._folders: set[int] = set()
        self._files: dict[int, int] = {}

    @contextmanager
    def recording(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Take the trace of everything done in the block."""
        with monkeypatch.context() as patch:
            for name in ("open", "close", "pwrite", "ftruncate", "fsync"):
                patch.setattr(os, name, getattr(self, f"_{name}")(getattr(os, name)))
            for name in ("rename", "link", "unlink"):
                patch.setattr(os, name, getattr(self, f"_{name}")(getattr(os, name)))
            yield

    def acknowledge(self, events: int) -> None:
        """Note that a caller now relies on so many events."""
        self.steps.append(Acknowledged(events))

    def was_killed(self, name: str, durable: int) -> None:
        """Let the file be of a process that was killed with no more than so many bytes fsynced.

        It can be read in full, its name included, until the power is cut.
        """
        file = self.names_before.pop(name)
        data = self.before.pop(file)
        self.before[file] = data[:durable]
        self.steps += [Named(((name, file),)), Write(file, durable, data[durable:])]

    def _open(self, real: Callable[..., int]) -> Callable[..., int]:
        def run(path: Any, flags: int, *rest: Any, dir_fd: int | None = None) -> int:
            fd = real(path, flags, *rest, dir_fd=dir_fd)
            if dir_fd is None and Path(path) == self.folder:
                self._folders.add(fd)
            elif dir_fd in self._folders and not path.endswith(LEFT_OUT):
                if path not in self._names:
                    self._name((path, self._count))
                    self._count += 1
                self._files[fd] = self._names[path]
            return fd

        return run

    def _close(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def run(fd: int) -> None:
            self._folders.discard(fd)
            self._files.pop(fd, None)
            real(fd)

        return run

    def _pwrite(self, real: Callable[..., int]) -> Callable[..., int]:
        def run(fd: int, data: Any, offset: int) -> int:
            written = real(fd, data, offset)
            if fd in self._files:
                self.steps.append(Write(self._files[fd], offset, bytes(data[:written])))
            return written

        return run

    def _ftruncate(self, real: Callable[[int, int], None]) -> Callable[[int, int], None]:
        def run(fd: int, size: int) -> None:
            real(fd, size)
            if fd in self._files:
                self.steps.append(Truncate(self._files[fd], size))

        return run

    def _fsync(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def run(fd: int) -> None:
            real(fd)
            if fd in self._files or fd in self._folders:
                self.steps.append(Synced(self._files.get(fd)))

        return run

    def _rename(self, real: Callable[..., None]) -> Callable[..., None]:
        def run(old: str, new: str, **folders: Any) -> None:
            real(old, new, **folders)
            self._name((new, self._names[old]), (old, None))

        return run

    def _link(self, real: Callable[..., None]) -> Callable[..., None]:
        def run(old: str, new: str, **more: Any) -> None:
            real(old, new, **more)
            self._name((new, self._names[old]))

        return run

    def _unlink(self, real: Callable[..., None]) -> Callable[..., None]:
        def run(name: str, **folder: Any) -> None:
            real(name, **folder)
            self._name((name, None))

        return run

    def _name(self, *names: tuple[str, int | None]) -> None:
        self.steps.append(Named(names))
        _rename(self._names, names)


def _rename(names: dict[str, int], changes: tuple[tuple[str, int | None], ...]) -> None:
    for name, file in changes:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


class _Platter:
    """What is safe on the disk, and what is on its way there."""

    def __init__(self, disk: Disk) -> None:
        self.files, self.names = dict(disk.before), dict(disk.names_before)
        self.writes: dict[int, list[Write | Truncate]] = {}
        self.changes: list[Named] = []
        self.events = 0

    def take(self, step: Step) -> None:
        match step:
            case Write() | Truncate():
                self.writes.setdefault(step.file, []).append(step)
            case Named():
                self.changes.append(step)
            case Synced(file=None):
                for change in self.changes:
                    _rename(self.names, change.names)
                self.changes = []
            case Synced(file=int() as file):
                for write in self.writes.pop(file, []):
                    self.files[file] = _applied(self.files.get(file, b""), write)
            case Acknowledged():
                self.events = step.events

    def looks(self) -> Iterator[Look]:
        """Yield every look of the folder if the power is cut now."""
        for names in self._namings():
            files = sorted(set(names.values()))
            for contents in product(*(self._contents(file) for file in files)):
                found = dict(zip(files, contents, strict=True))
                yield Look(
                    files={name: (file, found[file]) for name, file in names.items()},
                    events=self.events,
                )

    def _namings(self) -> Iterator[dict[str, int]]:
        seen = set()
        for count in range(len(self.changes) + 1):
            for kept in permutations(self.changes, count):
                names = dict(self.names)
                for change in kept:
                    _rename(names, change.names)
                if (key := frozenset(names.items())) not in seen:
                    seen.add(key)
                    yield names

    def _contents(self, file: int) -> set[bytes]:
        found = {self.files.get(file, b"")}
        for write in self.writes.get(file, []):
            found |= {_applied(content, part) for content in found for part in _parts(write)}
        return found


def _applied(content: bytes, write: Write | Truncate) -> bytes:
    if isinstance(write, Truncate):
        return content[: write.size].ljust(write.size, b"\0")
    end = write.offset + len(write.data)
    return content[: write.offset].ljust(write.offset, b"\0") + write.data + content[end:]


def _parts(write: Write | Truncate) -> Iterator[Write | Truncate]:
    """Yield what a write may have come to: cut off, or with zeros where sectors are missing."""
    yield write
    if isinstance(write, Truncate):
        return
    data = write.data
    for size in _places(data):
        yield Write(write.file, write.offset, data[:size])
        yield Write(write.file, write.offset, data[:size].ljust(len(data), b"\0"))
    edges = [0, *range(SECTOR - write.offset % SECTOR, len(data), SECTOR), len(data)]
    sectors = [data[a:b] for a, b in pairwise(edges)]
    if len(sectors) <= 6:
        for there in product((True, False), repeat=len(sectors)):
            pieces = [
                sector if kept else bytes(len(sector))
                for sector, kept in zip(sectors, there, strict=True)
            ]
            yield Write(write.file, write.offset, b"".join(pieces))


def _places(data: bytes) -> list[int]:
    """Choose where to tear: around every end of a line and of a sector, and in between."""
    ends = [n + 1 for n, byte in enumerate(data) if byte == 10]
    near = {end + by for end in (0, *ends, *range(0, len(data), SECTOR)) for by in (-1, 0, 1)}
    step = 5 if len(data) < 4 * SECTOR else 211
    return sorted(n for n in near | {*range(0, len(data), step)} if 0 <= n < len(data))


def looks_after_power_cuts(disk: Disk) -> list[Look]:
    """List every look of the folder after a power cut at any step of the trace, each once.

    Where several moments leave the same look, that counts after which most must not be lost.
    """
    platter, found = _Platter(disk), dict[frozenset[tuple[str, tuple[int, bytes]]], Look]()
    for step in (None, *disk.steps):
        if step is not None:
            platter.take(step)
        for look in platter.looks():
            key = frozenset(look.files.items())
            before = found.get(key, look)
            found[key] = Look(look.files, max(look.events, before.events))
    return list(found.values())

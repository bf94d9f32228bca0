"""The journal as the rest of the program meets it: a state, and a way to add to it.

Rule 1: what cannot be folded is never written. `append` folds first, then writes and fsyncs, and
only then shows the new state.
Rule 2: opening a new journal makes its folder and lock, nothing else; the file comes with the
first append, and a fresh lineage with it.
Rule 3: a journal is compacted while it is being opened and at no other time, so that the texts a
caller saw in `state` stay known as long as the journal is open.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sshfleet.errors import JournalError
from sshfleet.journal.files import Folder
from sshfleet.journal.lock import Holder, Lock
from sshfleet.journal.log import Log, corrupt
from sshfleet.journal.record import Record, Stamp, rfc3339
from sshfleet.journal.snapshot import Snapshot, essential
from sshfleet.journal.wal import Wal, read_log
from sshfleet.model.desired import CannotFold, DesiredState, fold
from sshfleet.model.event import Event, JournalStarted

Clock = Callable[[], datetime]


class Journal:
    """The journal, locked for one command; a context manager.

    `state` is the desired state as of the last append. `notes` are lines for the user about
    what was found at opening, such as a torn tail; most often there are none.
    """

    durable = True

    def __init__(self, wal: Wal, log: Log, stamp: Callable[[], Stamp]) -> None:
        self._wal, self._stamp = wal, stamp
        self._resources = ExitStack()
        self.state = _folded(log, wal.path)
        note = f"{log.note()}, as after a crash: it was cut off and is kept in {wal.path}.torn"
        self.notes = [note] if log.torn else []

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        by: str,
        command: str,
        now: Clock,
        lock_wait: float = 0.0,
        allow_network_fs: bool = False,
    ) -> Self:
        """Lock, check, recover and fold the journal at `path`.

        `by` is user@host and `command` the command line, without secrets: both go into every
        record. Waits `lock_wait` seconds for the lock. Raises TryLater when another sshfleet
        holds it, JournalCorrupt for damage, JournalError for all else.
        """
        _check_name(path)
        with ExitStack() as stack:
            folder = stack.enter_context(
                Folder.open(path.parent, create=True, allow_network_fs=allow_network_fs)
            )
            holder = Holder(pid=os.getpid(), by=by, cmd=command, since=rfc3339(now()))
            lock = Lock.take(folder, f"{path.name}.lock", holder, wait=lock_wait)
            stack.callback(lock.release)
            wal, log = Wal.open(folder, path.name)
            stack.callback(wal.close)
            journal = cls(wal, log, lambda: Stamp(at=now(), by=by, cmd=command))
            journal._compact()
            journal._resources = stack.pop_all()
        return journal

    def append(self, events: Sequence[Event]) -> None:
        """Make events durable and fold them into `state`; none at all is no work.

        Raises CannotFold, and nothing was written; JournalError, and nothing more can be.
        """
        if not events:
            return
        batch = list(events)
        if not self.state.lineage:
            batch.insert(0, JournalStarted(_new_lineage()))
        state = fold(self.state, batch)
        self._wal.append(batch, self._stamp())
        self.state = state

    def close(self) -> None:
        """Close the file and let the next sshfleet in; doing it twice is harmless."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _compact(self) -> None:
        small = essential(self.state)
        try:
            if self._wal.compact(Snapshot(small), self._stamp()):
                self.state = small
        except OSError as problem:
            self.notes.append(f"the journal is large and could not be compacted: {problem}")


def read_state(path: Path) -> tuple[DesiredState, list[str]]:
    """Return the state and notes for the user, without a lock and without changing anything.

    A journal that does not exist is an empty state. Raises JournalError, JournalCorrupt.
    """
    log = _read(path)
    note = f"{log.note()} and does not count: a command is writing it now, or was cut off"
    return _folded(log, path), [note] if log.torn else []


def read_records(path: Path) -> Iterator[Record]:
    """Return the records from the oldest to the newest, without a lock; errors as read_state.

    The first may hold a Snapshot: what was before it is not known any more.
    """
    return iter(_read(path).records)


def read_history(path: Path) -> Iterator[Record]:
    """Return every record that is still kept, oldest first, without a lock; errors as read_state.

    Snapshots are left out: they only repeat what other records brought about.
    """
    for record in _read(path).records:
        if not isinstance(record.event, Snapshot):
            yield record


def _read(path: Path) -> Log:
    _check_name(path)
    try:
        # Reading does no harm on a network file system; only writing is refused there.
        with Folder.open(path.parent, allow_network_fs=True) as folder:
            return read_log(folder, path.name)
    except FileNotFoundError:
        return Log(records=[], size=0, torn=b"")


def _folded(log: Log, path: Path) -> DesiredState:
    line = 0

    def events() -> Iterator[Event]:
        nonlocal line
        for line, record in enumerate(log.records, start=1):  # noqa: B007 - told below
            if not isinstance(record.event, Snapshot):
                yield record.event

    first = log.records[0].event if log.records else None
    start = first.state if isinstance(first, Snapshot) else DesiredState()
    try:
        return fold(start, events())
    except CannotFold as problem:
        raise corrupt(f"this record makes no sense here: {problem}", path, line) from problem


def _check_name(path: Path) -> None:
    if path.name in ("", ".."):
        raise JournalError(
            "this is a folder", hint="say --journal FOLDER/journal.jsonl", place=str(path)
        )


def _new_lineage() -> str:
    import uuid  # 10 ms that only the first command of a fleet has to pay

    return uuid.uuid4().hex

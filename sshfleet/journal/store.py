"""The journal as the rest of the program meets it: a state, and a way to add to it.

Rule 1: what cannot be folded is never written. `append` folds first, then writes and fsyncs, and
only then shows the new state.
Rule 2: opening a new journal makes its folder and lock, nothing else; the file comes with the
first append, and a fresh lineage with it.
Rule 3: a journal is compacted while it is being opened or closed and at no other time, so that the
texts a caller saw in `state` stay known as long as the journal is open.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from sshfleet.errors import JournalError
from sshfleet.journal import collector
from sshfleet.journal.archive import check_not_lost
from sshfleet.journal.files import Folder
from sshfleet.journal.history import history
from sshfleet.journal.lock import Holder, Lock
from sshfleet.journal.log import Reading
from sshfleet.journal.record import Record, Stamp, rfc3339
from sshfleet.journal.snapshot import Snapshot, essential
from sshfleet.journal.wal import Wal, reading
from sshfleet.model.desired import CannotFold, DesiredState, fold
from sshfleet.model.event import Event, JournalStarted

Clock = Callable[[], datetime]

KEEP = timedelta(days=90)
"""How long history is kept when nobody says."""


class Journal:
    """The journal, locked for one command; a context manager.

    `state` is the desired state as of the last append. `notes` are lines for the user about
    what was found at opening, such as a torn tail; most often there are none.
    """

    durable = True

    def __init__(self, wal: Wal, stamp: Callable[[], Stamp], keep: timedelta) -> None:
        self._wal, self._stamp, self._keep = wal, stamp, keep
        self._resources = ExitStack()
        read = wal.reading()
        self.state = _folded(read)
        wal.recover(read)
        note = f"{read.note()}, as after a crash: it was cut off and is kept in {wal.path}.torn"
        self.notes = [note] if read.torn else []

    @classmethod
    def open(  # noqa: PLR0913 - callers name each
        cls,
        path: Path,
        *,
        by: str,
        command: str,
        now: Clock,
        lock_wait: float = 0.0,
        allow_network_fs: bool = False,
        keep: timedelta = KEEP,
    ) -> Self:
        """Lock, check, recover and fold the journal at `path`.

        `by` is user@host and `command` the command line, without secrets: both go into every
        record. Waits `lock_wait` seconds for the lock. Archives of older records than `keep` may
        be removed. Raises TryLater when another sshfleet holds it, JournalCorrupt for damage,
        JournalError for all else.
        """
        check_name(path)
        with ExitStack() as stack:
            folder = stack.enter_context(
                Folder.open(path.parent, create=True, allow_network_fs=allow_network_fs)
            )
            holder = Holder(pid=os.getpid(), by=by, cmd=command, since=rfc3339(now()))
            lock = Lock.take(folder, f"{path.name}.lock", holder, wait=lock_wait)
            stack.callback(lock.release)
            wal = Wal.open(folder, path.name)
            stack.callback(wal.close)
            journal = cls(wal, lambda: Stamp(at=now(), by=by, cmd=command), keep)
            try:
                journal._compact()
            except OSError as problem:
                note = f"the journal is large and could not be compacted: {problem}"
                journal.notes.append(note)
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
        with ExitStack() as stack:
            stack.callback(self.close)
            if problem is None:
                # All that was asked for is durable already: what fails now is no failure of it.
                with suppress(OSError, JournalError):
                    self._compact()

    def _compact(self) -> None:
        if self._wal.worth_compacting():
            stamp, small = self._stamp(), essential(self.state)
            self._wal.compact(Snapshot(small), stamp)
            self.state = small
            self._wal.forget(stamp.at.timestamp() - self._keep.total_seconds())


def read_state(path: Path) -> tuple[DesiredState, list[str]]:
    """Return the state and notes for the user, without a lock and without changing anything.

    A journal that does not exist is an empty state. Raises JournalError, JournalCorrupt.
    """
    with _folder_of(path) as folder:
        if folder is None:
            return DesiredState(), []
        with reading(folder, path.name) as read:
            state = _folded(read)
        if not read.lines:
            check_not_lost(folder, path.name)
    note = f"{read.note()} and does not count: a command is writing it now, or was cut off"
    return state, [note] if read.torn else []


def read_history(path: Path) -> Iterator[Record]:
    """Return every record that is still kept, oldest first, without a lock; errors as read_state.

    Snapshots are left out: they only repeat what other records brought about.
    """
    with _folder_of(path) as folder:
        if folder is not None:
            yield from history(folder, path.name)


@contextmanager
def _folder_of(path: Path) -> Iterator[Folder | None]:
    """Open the folder of a journal that is only read; nothing when there is none."""
    check_name(path)
    try:
        # Reading does no harm on a network file system; only writing is refused there.
        folder = Folder.open(path.parent, allow_network_fs=True)
    except FileNotFoundError:
        yield None
        return
    with folder:
        yield folder


def _folded(read: Reading) -> DesiredState:
    """Return the state after all records of a journal; raise JournalCorrupt, JournalError."""
    with collector.paused():
        try:
            return _state_after(iter(read))
        except CannotFold as problem:
            why = f"this record makes no sense here: {problem}"
            raise read.corrupt(why, read.lines) from problem


def _state_after(records: Iterator[Record]) -> DesiredState:
    start = DesiredState()
    for first in records:
        if isinstance(first.event, Snapshot):
            start = first.event.state
        else:
            records = chain([first], records)
        break
    events = (record.event for record in records if not isinstance(record.event, Snapshot))
    return fold(start, events)


def check_name(path: Path) -> None:
    """Raise JournalError for a path that cannot be a file's."""
    if path.name in ("", ".."):
        raise JournalError(
            "this is a folder", hint="say --journal FOLDER/journal.jsonl", place=str(path)
        )


def _new_lineage() -> str:
    import uuid  # 10 ms that only the first command of a fleet has to pay

    return uuid.uuid4().hex

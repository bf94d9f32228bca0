"""The composition root: what a verb needs, made when it is first asked for."""

import gc
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sshfleet.cli.settings import Output, Settings
from sshfleet.cli.signals import Interrupted, Signals
from sshfleet.render.safe import safe_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sshfleet.journal.cache import Seen
    from sshfleet.journal.store import Journal
    from sshfleet.memory import Rehearsal
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.machine import Fleet, MachineName
    from sshfleet.model.observed import Observed
    from sshfleet.model.owner import Signature
    from sshfleet.model.standing import Standing
    from sshfleet.render.progress import Progress
    from sshfleet.stop import Stop
    from sshfleet.transport.base import Transport
    from sshfleet.transport.options import SshOptions

T = TypeVar("T")


class Context:
    """Everything between the words of a command line and the parts that do the work."""

    def __init__(self, settings: Settings, signals: Signals | None = None) -> None:
        self.settings = settings
        self.signals = signals or Signals()
        self._state: DesiredState | None = None

    @cached_property
    def inventory_path(self) -> Path:
        """Return where the inventory is; raise InventoryError when there is none."""
        from sshfleet.inventory import find_inventory

        return find_inventory(self.settings.inventory or None, os.environ, Path())

    @cached_property
    def fleet(self) -> "Fleet":
        """Read the inventory."""
        from sshfleet.inventory import load_inventory

        return load_inventory(self.inventory_path)

    @cached_property
    def journal_path(self) -> Path:
        """Return where the journal of this fleet is."""
        from sshfleet.journal.files import default_path

        said = self.settings.journal
        return Path(said).expanduser() if said else default_path(self.fleet.name, os.environ)

    @contextmanager
    def open_journal(self, *, dry_run: bool = False) -> "Iterator[Journal | Rehearsal]":
        """Open the journal for writing, with its lock held; for a dry run only read it."""
        if dry_run:
            from sshfleet.memory import Rehearsal

            yield Rehearsal(self.read_state())
            return
        from sshfleet.cli.opening import opened

        with opened(self) as journal:
            for note in journal.notes:
                self.note(note)
            before = journal.state
            try:
                yield journal
            except Interrupted as end:
                end.wrote = journal.state is not before
                raise
            finally:
                self._state = journal.state

    @cached_property
    def signature(self) -> "Signature":
        """Return what this command leaves on the machines that it changes."""
        from sshfleet.journal.record import rfc3339
        from sshfleet.model.owner import Signature

        return Signature(whoami(), rfc3339(now()), str(self.journal_path.absolute()))

    def read_state(self) -> "DesiredState":
        """Read the journal without its lock."""
        from sshfleet.journal.store import read_state

        state, notes = read_state(self.journal_path)
        for note in notes:
            self.note(note)
        self._state = state
        return state

    def keep_names(self) -> None:
        """Keep names for completion, where the command has read inventory and journal anyway."""
        from sshfleet.cli import names

        if "fleet" in vars(self) and self._state is not None:
            which = names.fleet_key(str(self.inventory_path), self.settings.journal)
            machines = [machine.name for machine in self.fleet.machines]
            names.keep(which, self._state.units, machines, os.environ)

    def remember(self, observed: "Observed") -> "Seen":
        """Add what was just seen to the cache behind `--cached`; return all it has."""
        from sshfleet.journal.cache import load_seen, save_seen

        known, time = load_seen(self.journal_path), now()
        known |= {name: (time, report) for name, report in observed.reached().items()}
        if observed.reports:
            save_seen(self.journal_path, known)
        return known

    def note_standings(self, observed: "Observed", began: int) -> "Mapping[MachineName, Standing]":
        """Note how machines stand after a look that began then (`boottime_ms`); return all."""
        from sshfleet.clock import boot_id, boottime_ms
        from sshfleet.journal.standings import noted

        return noted(self.journal_path, observed, now(), boottime_ms(), boot_id(), began_ms=began)

    def known_standings(self) -> "Mapping[MachineName, Standing]":
        """Return how machines stood when somebody last looked; note nothing."""
        from sshfleet.clock import boot_id
        from sshfleet.journal.standings import known

        return known(self.journal_path, boot_id())

    def connect(
        self, *, early_files: bool = False, keep: bool = True
    ) -> "AbstractAsyncContextManager[Transport]":
        """Make the transport; entering it checks the agent before any machine is contacted.

        With `early_files` SFTP is started beside the first script, for work that will upload. What
        asks each machine once need not `keep` connections.
        """
        from sshfleet.transport.loading import load_asyncssh
        from sshfleet.transport.resolve import Resolver

        options = self.ssh_options(early_files=early_files, keep=keep)
        resolver = Resolver(options)
        resolver.begin(self.fleet.machines)
        load_asyncssh()
        from sshfleet.cli.questions import ask
        from sshfleet.transport.ssh import SshTransport

        if not gc.isenabled():  # as __main__ left it: from here on there may be garbage
            gc.freeze()
            gc.enable()
        answers = ask if can_answer() else None
        return SshTransport(options, ask=answers, warn=self.note, resolver=resolver)

    def ssh_options(self, *, early_files: bool = False, keep: bool = True) -> "SshOptions":
        """Return what was said about SSH."""
        from sshfleet.transport.options import SshOptions

        said = self.settings
        return SshOptions(
            known_hosts_file=said.known_hosts_file,
            strict=said.strict.value if said.strict else "",
            ssh_config=said.ssh_config,
            username=said.ssh_username,
            timeout=said.ssh_timeout,
            forks=said.forks,
            early_files=early_files,
            keep=keep,
        )

    def run(self, work: Coroutine[None, None, T], stop: "Stop | None" = None) -> T:
        """Run a coroutine; a signal cancels it or, with `stop`, asks it to end by itself."""
        return self.signals.run(work, stop, self.note)

    def out(self, text: str) -> None:
        """Print a result; `text` is already safe and ends with its newline."""
        sys.stdout.write(text)

    def say(self, text: str) -> None:
        """Print a line for people: on stdout, unless that is for one JSON document alone."""
        table = self.settings.output is Output.TABLE
        (sys.stdout if table else sys.stderr).write(text)

    def err(self, text: str) -> None:
        """Print what a machine said on its stderr; `text` is already safe."""
        sys.stderr.write(text)

    def flush(self) -> None:
        """Let a reader of stdout see what was printed so far."""
        sys.stdout.flush()

    def raw(self, data: bytes) -> None:
        """Print bytes exactly as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def note(self, text: str) -> None:
        """Tell something on stderr that is not an error."""
        if not self.settings.quiet:
            sys.stderr.write(safe_line(text, 2000) + "\n")

    @cached_property
    def progress(self) -> "Progress":
        """Return who tells of a long run: called with each plan, and at the end with None."""
        from sshfleet.render.progress import Progress

        silent = self.settings.quiet or not sys.stderr.isatty()
        return Progress(shown=not silent)

    @property
    def colour(self) -> bool:
        """Tell whether stdout is a terminal that shows colour."""
        plain = self.settings.no_color or os.environ.get("TERM") == "dumb"
        return sys.stdout.isatty() and not plain


def can_answer() -> bool:
    """Tell whether somebody can answer: a terminal, a pipe or a file; not /dev/null (cron)."""
    try:
        null = Path(os.devnull).stat().st_rdev
        return sys.stdin is not None and os.fstat(sys.stdin.fileno()).st_rdev != null
    except (OSError, ValueError):
        return False


def whoami() -> str:
    """Return user@host for the journal and the lock."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def now() -> "datetime":
    """Return the time for journal records."""
    from datetime import UTC, datetime

    return datetime.now(UTC)

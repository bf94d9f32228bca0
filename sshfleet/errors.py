"""Everything that can go wrong, and the exit code it ends in.

    SshfleetError                  1   something asked for is not so
    ├── UsageError                 2   wrong words on the command line
    │   ├── InventoryError         2   the YAML file of machines is wrong
    │   └── UnitFileError          2   a unit file or its name is wrong
    ├── MachinesUnreachable        3   machines that matter did not answer; reconcile will finish it
    ├── JournalError              74   the journal cannot be read or written; nothing was done
    │   └── JournalCorrupt        74   a record inside it is damaged
    ├── TryLater                  75   another sshfleet works, or the fault is on this side
    │   └── JournalBusy           75   another sshfleet holds the journal
    ├── HostKeyRejected           76   a machine showed a key that is not the one we know
    └── NoUsableKey               77   ssh-agent missing, empty, or refused by a machine

Rule 1: an error is one line (`message`), the place it was found (`place`, "file:line:column"), and
one line telling what to do (`hint`).
Rule 2: what happens to one machine is a value (`model.observed.Unreachable`), not an exception:
one dead machine never ends the work on the others. (`transport.base.TransportError` exists only
between the transport and `observe`/`apply`, who turn it into that value.)
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a shell script sees; `docs/reference.md` has the same table and a test compares them."""

    DONE = 0
    NOT_SO = 1
    USAGE = 2
    UNREACHABLE = 3
    BUG = 70
    JOURNAL = 74
    TRY_LATER = 75
    HOST_KEY = 76
    NO_KEY = 77
    INTERRUPTED = 130
    TERMINATED = 143


class SshfleetError(Exception):
    """Say what is wrong, where, and what to do about it.

    `message` is one line without a full stop; `place` is `file`, `file:line` or
    `file:line:column` or empty; `hint` is one line, best a command to run, or empty.
    """

    exit_code = ExitCode.NOT_SO

    def __init__(self, message: str, *, hint: str = "", place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class UsageError(SshfleetError):
    """The words on the command line are wrong."""

    exit_code = ExitCode.USAGE


class InventoryError(UsageError):
    """The inventory is missing or wrong; `place` is file:line:column."""


class UnitFileError(UsageError):
    """A unit file, its [X-Fleet] section or its name is wrong; `place` is file:line."""


class MachinesUnreachable(SshfleetError):
    """Machines that matter did not answer; what was asked is in the journal."""

    exit_code = ExitCode.UNREACHABLE


class JournalError(SshfleetError):
    """The journal cannot be read or written; nothing was done to any machine."""

    exit_code = ExitCode.JOURNAL


class JournalCorrupt(JournalError):
    """A record inside the journal is damaged; `place` is file:line."""


class TryLater(SshfleetError):
    """Another sshfleet holds the journal, or so many machines are silent that the fault is here."""

    exit_code = ExitCode.TRY_LATER


class JournalBusy(TryLater):
    """Another sshfleet holds the journal; `message` tells who and since when."""


class HostKeyRejected(SshfleetError):
    """A machine showed a host key that is unknown or not the one we trust."""

    exit_code = ExitCode.HOST_KEY


START_AGENT = (
    'eval "$(ssh-agent)" && ssh-add, or for good: eval "$(scripts/ssh-agent-setup.sh)"; '
    "cron jobs have no SSH_AUTH_SOCK of their own"
)
ADD_KEY = "ssh-add ~/.ssh/id_ed25519"


class NoUsableKey(SshfleetError):
    """The ssh-agent is missing, empty or silent, or no key of it is accepted."""

    exit_code = ExitCode.NO_KEY

"""What a run needs of the journal, and its double for dry runs, which forgets.

Rule 1: only what is durable may be acted on: a run whose memory is not ends with its first plan.
"""

from collections.abc import Sequence
from typing import Protocol

from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event, JournalStarted

# A journal that does not exist yet gets a fresh lineage, which no file on any machine can have.
_FRESH = "not-written-yet"


class Memory(Protocol):
    """The desired state, and a way to add to it."""

    @property
    def durable(self) -> bool:
        """Tell whether what is appended stays; without that, no machine may be changed."""
        ...

    @property
    def state(self) -> DesiredState:
        """Return the desired state as of the last append."""
        ...

    def append(self, events: Sequence[Event]) -> None:
        """Take events, durable ones for good; raise JournalError, and nothing may be acted on."""
        ...


class Rehearsal:
    """A memory that starts from a state that was read and writes nothing: a dry run's."""

    durable = False

    def __init__(self, state: DesiredState) -> None:
        self.state = state

    def append(self, events: Sequence[Event]) -> None:
        """Fold events, as the journal does; raise CannotFold."""
        if events:
            started = [] if self.state.lineage else [JournalStarted(_FRESH)]
            self.state = fold(self.state, [*started, *events])

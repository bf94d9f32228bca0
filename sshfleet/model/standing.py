"""How a machine has stood, look after look: what a single look cannot tell.

Rule 1: only silence can ever mean that a machine is dead (`Trouble`), and only silence that lasts.
"""

from dataclasses import dataclass
from datetime import datetime

from sshfleet.model.observed import Trouble

SILENCE = frozenset({Trouble.SILENT, Trouble.HUNG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One machine: `trouble` is None while it answers, `detail` is one line, not yet made safe.

    It has stood so `since` (wall time, for people), in `looks` looks in a row over `seconds`, by a
    clock of this computer that nobody sets and that counts sleep. Both are what is proven: they
    begin anew with each boot of this computer.
    """

    trouble: Trouble | None
    detail: str = ""
    since: datetime
    looks: int = 1
    seconds: float = 0.0

    @property
    def silent(self) -> bool:
        """Tell whether nobody answered."""
        return self.trouble in SILENCE

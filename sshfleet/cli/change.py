"""A change to this computer that is shown before it is made."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """`shown` are the lines that tell of it, `make` makes it (raises SshfleetError)."""

    shown: str
    make: Callable[[], None]

"""What is wrong in an inventory, collected so that the first in file order can be reported.

Rule 1: one problem a place: what follows from an earlier problem at the same place is noise.
"""

from pathlib import Path
from typing import NamedTuple, NoReturn

from sshfleet.errors import InventoryError

LONGEST_QUOTE = 60


class Place(NamedTuple):
    """A spot in the file; both count from 1, columns in characters."""

    line: int
    column: int


class Refused(Exception):
    """A value is not what its key needs; `Problems` adds the place."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Problems:
    """Collects problems of one file; nothing is raised until `raise_first`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[Place, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        """Tell whether anything is wrong so far."""
        return bool(self._found)

    def note(self, at: Place, message: str, hint: str = "") -> None:
        """Remember a problem, unless this place already has one."""
        self._found.setdefault(at, (message, hint))

    def stop(self, at: Place, message: str, hint: str = "") -> NoReturn:
        """Note a problem that makes reading on pointless, and raise."""
        self.note(at, message, hint)
        self.raise_first()
        raise AssertionError("unreachable: a problem was just noted")

    def raise_first(self) -> None:
        """Raise InventoryError for the first problem in file order, counting the others."""
        if not self._found:
            return
        first = min(self._found)
        message, hint = self._found[first]
        others = len(self._found) - 1
        more = f" (and {others} more)" if others else ""
        place = f"{one_line(str(self._path))}:{first.line}:{first.column}"
        raise InventoryError(message + more, hint=hint, place=place)


def quoted(text: str) -> str:
    """Show text from the file inside a message: quoted, escaped, on one line, not too long."""
    if len(text) > LONGEST_QUOTE:
        text = text[: LONGEST_QUOTE - 3] + "..."
    return repr(text)


def one_line(path: str) -> str:
    """Show a path as given, or escaped when it would break the line."""
    return path if path.isprintable() else repr(path)

"""What a check says of a unit file."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: an error keeps the unit from working, a note may well be intended."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One line about a file; `place` is `file:line`, `file` or empty, `hint` says what to do."""

    level: Level
    message: str
    place: str = ""
    hint: str = ""

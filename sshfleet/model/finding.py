"""What an examination found: one thing that is well, worth knowing, or wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sshfleet.errors import ExitCode

GRAVEST_FIRST = (
    ExitCode.NO_KEY,
    ExitCode.HOST_KEY,
    ExitCode.JOURNAL,
    ExitCode.USAGE,
    ExitCode.TRY_LATER,
    ExitCode.UNREACHABLE,
    ExitCode.NOT_SO,
)
"""What keeps sshfleet from working at all comes first, then what is wrong on single machines."""


class Level(StrEnum):
    """How bad it is; only a problem has an exit code."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding about a machine or a part of sshfleet: one line, and the command that mends it.

    Neither text is made safe yet. `code` is what a problem means for the exit code.
    """

    about: str
    level: Level
    what: str
    mend: str = ""
    code: ExitCode = ExitCode.DONE


def well(about: str, what: str) -> Finding:
    """Make a finding that all is well."""
    return Finding(about=about, level=Level.OK, what=what)


def note(about: str, what: str, mend: str = "") -> Finding:
    """Make a finding that is worth knowing and no problem."""
    return Finding(about=about, level=Level.NOTE, what=what, mend=mend)


def problem(about: str, what: str, mend: str, code: ExitCode = ExitCode.NOT_SO) -> Finding:
    """Make a finding that something is wrong."""
    return Finding(about=about, level=Level.PROBLEM, what=what, mend=mend, code=code)


def gravest(findings: Iterable[Finding]) -> ExitCode:
    """Return the exit code of the gravest problem, 0 when there is none."""
    codes = {one.code for one in findings if one.level is Level.PROBLEM}
    return next((code for code in GRAVEST_FIRST if code in codes), ExitCode.DONE)

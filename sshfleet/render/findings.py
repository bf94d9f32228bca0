"""What an examination found, as text for people and as a document for programs."""

from collections.abc import Sequence

from sshfleet.model.finding import Finding, Level
from sshfleet.render.document import VERSION, Document
from sshfleet.render.safe import safe_line
from sshfleet.render.tables import painted, width

WORDS = {Level.OK: "ok", Level.NOTE: "note", Level.PROBLEM: "wrong"}
_COLOURS = {Level.OK: "32", Level.NOTE: "33", Level.PROBLEM: "31"}
_WORD = max(len(word) for word in WORDS.values())
_LONGEST = 400  # characters of one line


def findings_text(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """Show findings, each with the command that mends it below, and how many are wrong."""
    names = [safe_line(one.about) for one in findings]
    wide = max((width(name) for name in names), default=0)
    lines: list[str] = []
    for name, one in zip(names, findings, strict=True):
        word = WORDS[one.level].ljust(_WORD)
        word = painted(word, _COLOURS[one.level]) if colour else word
        padding = " " * (wide - width(name))
        lines.append(f"{name}{padding}  {word}  {safe_line(one.what, _LONGEST)}")
        if one.mend:
            lines.append(f"{' ' * (wide + _WORD + 4)}mend: {safe_line(one.mend, _LONGEST)}")
    return "".join(f"{line}\n" for line in (*lines, verdict(findings)))


def verdict(findings: Sequence[Finding]) -> str:
    """Say in a few words how many findings are problems."""
    count = _problems(findings)
    return f"{count} problem{'s' if count > 1 else ''}" if count else "all well"


def findings_document(findings: Sequence[Finding]) -> Document:
    """Tell of findings."""
    count = _problems(findings)
    return {
        "version": VERSION,
        "well": not count,
        "problems": count,
        "findings": [
            {
                "about": one.about,
                "level": one.level.value,
                "what": one.what,
                "mend": one.mend or None,
            }
            for one in findings
        ],
    }


def _problems(findings: Sequence[Finding]) -> int:
    return sum(one.level is Level.PROBLEM for one in findings)

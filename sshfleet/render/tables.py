"""Tables: aligned with blanks, upper-case legend, no borders, never cut.

Rule 1: the same text for a pipe and for a terminal; a terminal only gets colour added.
Rule 2: cells pass `safe_line`; an empty cell is `-`.
"""

from collections.abc import Callable, Mapping, Sequence
from unicodedata import combining, east_asian_width

from sshfleet.render.safe import safe_line

Row = Mapping[str, str]
GAP = "  "

COLOURS = {
    "active": "32", "ready": "32", "launched": "32",
    "failed": "31", "hostkey": "31", "unauthorized": "31", "duplicate-id": "31",
    "unreachable": "33", "unknown": "33", "activating": "33", "deactivating": "33",
    "silent": "33", "hung": "33", "throttled": "33", "no-sshd": "33", "untrusted": "31",
    "auth": "31", "unmanageable": "31", "controller-fault": "31", "owned": "31",
    "reloading": "33", "cordoned": "33", "draining": "33", "inactive": "2",
}  # fmt: skip


def _by_word(cell: str) -> str:
    return COLOURS.get(cell, "")


def table(
    rows: Sequence[Row],
    fields: Sequence[str],
    *,
    legend: bool = True,
    colour: bool = False,
    colour_of: Callable[[str], str] = _by_word,
) -> str:
    """Lay out rows; a single column is a bare list of its cells under the legend.

    `colour_of` gives the SGR parameter of a cell, empty for none.
    """
    cells = [[field.upper() for field in fields]] if legend else []
    cells += [[safe_line(row.get(field, "")) or "-" for field in fields] for row in rows]
    # Nothing follows the last column: how wide it is, nobody has to know.
    padded = range(len(fields) - 1)
    widths = [max((width(line[i]) for line in cells), default=0) for i in padded]
    lines = []
    for number, line in enumerate(cells):
        is_legend = legend and number == 0
        codes = ["1" if is_legend else colour_of(cell) for cell in line] if colour else []
        lines.append(_line(line, widths, codes))
    return "".join(line + "\n" for line in lines)


def _line(cells: list[str], widths: list[int], codes: list[str]) -> str:
    last = len(cells) - 1
    shown = []
    for index, cell in enumerate(cells):
        text = painted(cell, codes[index]) if codes else cell
        shown.append(text + ("" if index == last else " " * (widths[index] - width(cell))))
    return GAP.join(shown)


def painted(text: str, code: str) -> str:
    """Colour text for a terminal: `code` is an SGR parameter, empty for none."""
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


def width(text: str) -> int:
    """Count the terminal columns of a text without control characters."""
    return sum(_columns(char) for char in text) if not text.isascii() else len(text)


def _columns(char: str) -> int:
    if combining(char):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1

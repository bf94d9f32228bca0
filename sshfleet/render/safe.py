"""The one door for text that comes from a machine, a file or an error message.

Rule 1: what leaves here cannot move a cursor, change a colour, hide text or open a link: C0, DEL,
C1, bidirectional overrides and lone surrogates are shown as escapes (\\x1b, \\u202e).
Rule 2: nothing is dropped, so that two different texts never look the same.
"""

import re

_BAD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb]"
)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def safe(text: str) -> str:
    """Show control characters as escapes; newlines and tabs stay."""
    return _BAD.sub(_escaped, text)


def safe_line(text: str, limit: int = 500) -> str:
    """Make one line of it: newlines and tabs are escaped too, the end cut at `limit` characters."""
    line = safe(text.strip()).replace("\n", "\\n").replace("\t", "\\t")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def safe_json(data: bytes) -> str:
    """Decode a line of JSON from a machine; what is escaped in it stays JSON.

    A record separator (RFC 7464) at its beginning stays, too.
    """
    text = data.decode("utf-8", "backslashreplace")
    begin, text = text[: text.startswith("\x1e")], text.removeprefix("\x1e")
    return begin + _BAD.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def safe_bytes(data: bytes) -> str:
    """Decode bytes from a machine; what is not UTF-8 is shown as \\xNN."""
    return safe(data.decode("utf-8", "backslashreplace").replace("\r\n", "\n"))

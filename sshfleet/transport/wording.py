"""Words from elsewhere, cut down to one line of a message."""

LONGEST = 200
"""Characters kept of what another program said."""


def one_line(text: str | bytes) -> str:
    """Return the first line that says something, without its ends, cut at LONGEST."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    lines = (line.strip() for line in text.splitlines())
    return next((line[:LONGEST] for line in lines if line), "")

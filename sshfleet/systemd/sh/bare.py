"""What travels of a script: no comments, no indentation, no empty lines."""

import re

_SPARE = re.compile(r"^[ \t]*(#.*)?\n|^[ \t]+|[ \t]+# .*$", re.MULTILINE)


def bare(text: str) -> str:
    """Return a script without what only its readers need (rule 5 of the package)."""
    return _SPARE.sub("", text)

"""fleet's normal form of a unit file, and its hash, which users see in list-unit-files.

Rule 1: the normal form is for comparing only. Machines get the text as it was submitted, and
SHA-256 of those bytes tells whether a machine has them.
"""

import hashlib

from sshfleet.unitfile.syntax import UnitText


def normal_form(parsed: UnitText) -> str:
    """Return the text without comments and spacing, each section once, in order of appearance."""
    sections: dict[str, list[str]] = {}
    for option in parsed.options:
        sections.setdefault(option.section, []).append(f"{option.name}={option.written}\n")
    return "\n".join(f"[{name}]\n{''.join(lines)}" for name, lines in sections.items())


def fleet_hash(parsed: UnitText) -> str:
    """Return fleet's hash: SHA-1 of the normal form, 40 hex digits."""
    text = normal_form(parsed).encode("utf-8", "surrogatepass")
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()

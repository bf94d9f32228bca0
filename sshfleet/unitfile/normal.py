"""fleet's normal form of a unit file, and its hash, which users see in list-unit-files.

Rule 1: the normal form is for comparing only. Machines get the text as it was submitted, and
SHA-256 of those bytes tells whether a machine has them.
"""

import hashlib
from collections.abc import Mapping

from sshfleet.unitfile.syntax import UnitText


def normal_form(parsed: UnitText) -> str:
    """Return the text without comments and spacing, each section once, in order of appearance."""
    return "\n".join(
        f"[{name}]\n" + "".join([f"{one.name}={one.written}\n" for one in options])
        for name, options in parsed.sections.items()
    )


def fleet_hash(parsed: UnitText, dropins: Mapping[str, UnitText] | None = None) -> str:
    """Return fleet's hash: SHA-1 of the normal form, 40 hex digits.

    Drop-ins, which fleet did not know, follow it: each a line `# name` and its own normal form.
    """
    parts = [normal_form(parsed)]
    for name, dropin in sorted((dropins or {}).items()):
        parts.append(f"# {name}\n{normal_form(dropin)}")
    text = "".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()

"""Bring back the texts of units from a machine's own folder of ours.

Rule 1: a text counts only when it has the SHA-256 it was asked by: one that changes meanwhile does
not.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from hashlib import sha256

from sshfleet.model.observed import UnitState
from sshfleet.model.step import Completed, Run
from sshfleet.model.unit import checked_name, dropin_problem

_LARGEST = 1024 * 1024  # bytes, as in the transaction's script
SCRIPT = f"""\
set -f
while IFS= read -r path; do
    head -c {_LARGEST} -- "$path" 2>/dev/null | base64 -w 0
    echo
done
"""
_SECONDS = 60.0
_HOMES = {False: "/etc/sshfleet/units/", True: "/run/sshfleet/units/"}


def fetch(units: Iterable[UnitState]) -> Run:
    """Ask for the texts of units and their drop-ins. ValueError for a name that is none."""
    paths = [_HOMES[state.runtime] + path for state in units for path, _ in _files(state)]
    data = "".join(path + "\n" for path in paths).encode()
    return Run(script=SCRIPT, data=data, root=False, seconds=_SECONDS)


def texts_in(completed: Completed, units: Iterable[UnitState]) -> dict[str, str]:
    """Return the texts by their SHA-256; what did not come whole, or is no UTF-8, is missing."""
    found = {}
    lines = completed.stdout.split(b"\n")
    wanted = [sum for state in units for _, sum in _files(state)]
    for line, sum in zip(lines, wanted, strict=False):
        try:
            text = base64.b64decode(line, validate=True)
            if sha256(text).hexdigest() == sum:
                found[sum] = text.decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found


def _files(state: UnitState) -> Iterator[tuple[str, str]]:
    name = checked_name(state.name)
    yield name, state.sha256
    for file, sum in sorted(state.dropins.items()):
        if dropin_problem(file):
            raise ValueError(file)
        yield f"{name}.d/{file}", sum

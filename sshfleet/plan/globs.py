"""Many globs against many names: nearly every pair differs in the plain beginning of the glob."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache

from sshfleet.model.unit import UnitName
from sshfleet.unitfile.glob import matches

_SPECIAL = re.compile(r"[*?\[\\]")


def first_match(patterns: Iterable[str], name: str) -> str:
    """Return the first glob that matches a name; nothing when none does."""
    for pattern in patterns:
        if name.startswith(_beginning(pattern)) and matches(pattern, name):
            return pattern
    return ""


@lru_cache(maxsize=16384)
def _beginning(pattern: str) -> str:
    return _SPECIAL.split(pattern, maxsplit=1)[0]


class Names:
    """Unit names, sorted once, so that a glob is compared only with those that begin as it does."""

    def __init__(self, names: Iterable[UnitName]) -> None:
        self._sorted = sorted(names)

    def matching(self, pattern: str) -> list[UnitName]:
        """Return the names that a glob matches, sorted."""
        beginning = _beginning(pattern)
        at = bisect_left(self._sorted, beginning)
        found = []
        while at < len(self._sorted) and self._sorted[at].startswith(beginning):
            if matches(pattern, self._sorted[at]):
                found.append(self._sorted[at])
            at += 1
        return found

"""Circles of Replaces=: a pushes off b, b pushes off c, c pushes off a.

Rule 1: only units that are wanted on machines count, wherever they are.
Rule 2: whoever would be new in a circle is refused, and the circle is shown; in a circle that
stands already nobody pushes anybody.
"""

from collections import deque
from collections.abc import Mapping

from sshfleet.model.unit import UnitName
from sshfleet.plan.globs import Names


class Rings:
    """Who pushes off whom, of the units with Replaces= (a circle has no others)."""

    def __init__(self, replaces: Mapping[UnitName, tuple[str, ...]]) -> None:
        self._replaces = replaces
        self._names = Names(replaces)
        self._matching: dict[str, list[UnitName]] = {}
        self._ways: dict[UnitName, tuple[UnitName, ...]] = {}
        self._reached: dict[UnitName, dict[UnitName, UnitName]] = {}

    def way(self, unit: UnitName) -> tuple[UnitName, ...]:
        """Return the shortest way from a unit round to itself, both ends included, or nothing."""
        if unit not in self._ways:
            self._ways[unit] = self._way(unit)
        return self._ways[unit]

    def together(self, one: UnitName, other: UnitName) -> bool:
        """Tell whether two units are in one circle."""
        if one not in self._replaces or other not in self._replaces:
            return False
        return other in self._from(one) and one in self._from(other)

    def _way(self, unit: UnitName) -> tuple[UnitName, ...]:
        came_from = self._from(unit)
        if unit not in came_from:
            return ()
        way = [unit, came_from[unit]]
        while way[-1] != unit:
            way.append(came_from[way[-1]])
        return tuple(reversed(way))

    def _from(self, unit: UnitName) -> dict[UnitName, UnitName]:
        """Map all that is pushed off, by the unit or by one it pushes off, to who does it."""
        if unit not in self._reached:
            came_from = self._reached[unit] = {}
            queue = deque([unit] if unit in self._replaces else ())
            while queue:
                here = queue.popleft()
                for there in self._pushed(here):
                    if there != here and there not in came_from:
                        came_from[there] = here
                        queue.append(there)
        return self._reached[unit]

    def _pushed(self, unit: UnitName) -> list[UnitName]:
        for pattern in self._replaces[unit]:
            if pattern not in self._matching:
                self._matching[pattern] = self._names.matching(pattern)
        return sorted({name for glob in self._replaces[unit] for name in self._matching[glob]})


NO_RINGS = Rings({})

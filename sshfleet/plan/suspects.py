"""Suspects: who may conflict with a unit, by names and globs alone, wherever they are.

Most units conflict with nobody, and a fleet has thousands of machines: who is no suspect need not
be looked for on any of them.
"""

from sshfleet.model.unit import UnitName
from sshfleet.plan.globs import Names, first_match


class Suspects:
    """Units by their names and by their globs; who was added once stays."""

    def __init__(self) -> None:
        self._added: set[UnitName] = set()
        self._by_glob: dict[str, set[UnitName]] = {}
        self._names: Names | None = None
        self._matching: dict[str, list[UnitName]] = {}

    def add(self, unit: UnitName, globs: tuple[str, ...]) -> None:
        """Take note of a unit and of its Conflicts=."""
        for glob in globs:
            self._by_glob.setdefault(glob, set()).add(unit)
        if unit not in self._added:
            self._added.add(unit)
            self._names = None

    def of(self, unit: UnitName, globs: tuple[str, ...]) -> set[UnitName]:
        """Return the units that one with this name and these Conflicts= may conflict with."""
        found: set[UnitName] = set()
        for glob in globs:
            found.update(self._named_like(glob))
        for glob, units in self._by_glob.items():
            if first_match((glob,), unit):
                found |= units
        return found - {unit}

    def _named_like(self, glob: str) -> list[UnitName]:
        if self._names is None:
            self._names, self._matching = Names(self._added), {}
        if glob not in self._matching:
            self._matching[glob] = self._names.matching(glob)
        return self._matching[glob]

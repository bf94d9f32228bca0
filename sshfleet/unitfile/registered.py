"""The registered units as a mapping that reads a text when it is first asked for."""

from collections.abc import Iterator, Mapping

from sshfleet.model.desired import DesiredState
from sshfleet.model.unit import Unit, UnitName
from sshfleet.unitfile.read import read_text


class Registered(Mapping[UnitName, Unit]):
    """Units of a desired state; `cache` outlives it, so that no text is read twice in a run."""

    def __init__(self, state: DesiredState, cache: dict[tuple[UnitName, str], Unit]) -> None:
        self._state = state
        self._cache = cache
        self._found: dict[UnitName, Unit] = {}

    def __getitem__(self, name: UnitName) -> Unit:
        if name not in self._found:
            self._found[name] = self._read(name)
        return self._found[name]

    def _read(self, name: UnitName) -> Unit:
        unit, texts = self._state.units[name], self._state.texts
        key = (name, unit.content)
        if key not in self._cache:
            dropins = {file: texts[sha256] for file, sha256 in unit.dropins.items()}
            self._cache[key] = read_text(name, texts[unit.sha256], dropins)
        return self._cache[key]

    def __contains__(self, name: object) -> bool:
        return name in self._state.units

    def __iter__(self) -> Iterator[UnitName]:
        return iter(self._state.units)

    def __len__(self) -> int:
        return len(self._state.units)

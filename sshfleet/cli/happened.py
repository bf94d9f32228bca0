"""Which happenings a user asks for, and the hashes of the texts that they tell of."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase

from sshfleet.errors import SshfleetError
from sshfleet.model.desired import DesiredState
from sshfleet.model.unit import checked_name, mangled
from sshfleet.render.happenings import Happening, Kind

Key = tuple[str, ...]
State = Callable[[], DesiredState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What `history` was asked for: everything, unless something is said."""

    units: Sequence[str] = ()
    machines: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    failed: bool = False

    def takes(self, one: Happening) -> bool:
        """Tell whether a happening is of the time and the kind that is wanted."""
        if self.failed and one.result not in ("failed", "unknown"):
            return False
        at = one.entry.at
        return (not self.since or self.since <= at) and (not self.until or at <= self.until)


class _Names:
    """Names as a user gave them, and which of them were met; without any, every key fits."""

    def __init__(self, said: Sequence[str], fits: Callable[[str, Key], bool]) -> None:
        self._said, self._fits = said, fits
        self._known: dict[Key, bool] = {}
        self.unmet = list(dict.fromkeys(said))

    def take(self, key: Key) -> bool:
        """Tell whether a key has one of the names."""
        if key not in self._known:
            found = [one for one in self._said if self._fits(one, key)]
            self.unmet = [one for one in self.unmet if one not in found]
            self._known[key] = bool(found) or not self._said
        return self._known[key]

    def met(self) -> list[str]:
        """Return all names that occurred."""
        return [key[-1] for key in self._known if key[-1]]


def chosen(told: Iterable[Happening], wanted: Wanted, state: State) -> Iterator[Happening]:
    """Yield what is wanted; raise SshfleetError at the end for a name that never occurred."""
    for said in wanted.units:
        _ = _is_glob(said) or checked_name(mangled(said))
    units = _Names(wanted.units, lambda said, key: _is_unit(said, key[0]))
    now = {said: state().id_of(said) or "" for said in wanted.machines}
    machines = _Names(wanted.machines, lambda said, key: _is_machine(said, key, now[said]))
    for one in told:
        # Each name is looked at, even where another has decided: it may be the only time it occurs.
        of_unit = units.take((one.unit,))
        on_machine = [machines.take(place) for place in _places(one)]
        if of_unit and any(on_machine) and wanted.takes(one):
            yield one
    for said in units.unmet:
        _check_unit(said, [*units.met(), *state().units])
    for said in machines.unmet:
        _check_machine(said, machines.met(), state())


def _places(one: Happening) -> Iterator[Key]:
    """Yield the machines it happened on, by ID and name: of a move, both."""
    yield (one.machine, one.name)
    if one.kind == Kind.MOVE:
        yield (one.before, one.left)


def _is_glob(said: str) -> bool:
    return any(char in mangled(said) for char in "*?[")


def _is_unit(said: str, name: str) -> bool:
    if not _is_glob(said):
        return name == mangled(said)
    return bool(name) and (fnmatchcase(name, said) or fnmatchcase(name, mangled(said)))


def _is_machine(said: str, key: Key, now: str) -> bool:
    """Tell whether a machine is meant: by its name then or now, or by the beginning of its ID."""
    id_, name = key
    prefix = said.removesuffix("...").lower()
    return bool(said) and (
        name == said or id_ == now != "" or bool(prefix and id_.startswith(prefix))
    )


def _check_unit(said: str, names: Iterable[str]) -> None:
    names = list(names)
    if any(_is_unit(said, name) for name in names):
        return  # it is registered, only that nothing is known any more of what happened to it
    if _is_glob(said):
        raise SshfleetError(f"no unit matches '{said}'", hint="see sshfleet list-unit-files")
    close = get_close_matches(mangled(said), names, n=1)
    raise SshfleetError(
        f"Unit {mangled(said)} not found",
        hint=f"did you mean {close[0]}?" if close else "see sshfleet list-unit-files",
    )


def _check_machine(said: str, names: Iterable[str], state: DesiredState) -> None:
    known = [(one.id, one.name) for one in state.machines.values()]
    if any(_is_machine(said, key, "") for key in known):
        return
    close = get_close_matches(said, [*names, *(name for _, name in known if name)], n=1)
    raise SshfleetError(
        f"no machine '{said}' in the journal",
        hint=f"did you mean {close[0]}?" if close else "see sshfleet list-machines",
    )

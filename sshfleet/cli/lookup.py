"""Unit arguments → names and texts, by fleet's lookup order (docs/reference.md, "Unit arguments").

    1  the journal knows the name     → its text, unless --replace finds another one on disk
    2  a file at the path             → that file
    3  an instance of a known template → the template's text
    4  the template file beside it     → that file's text

With --replace the order is 2, 4, 3. Drop-ins go with the text they belong to (`disk`).

Rule 1: everything is read and found valid before anything is registered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import translate
from pathlib import Path
from re import compile as pattern

from sshfleet.cli.disk import unit_from, unit_in
from sshfleet.errors import SshfleetError, UsageError
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TargetState
from sshfleet.model.unit import (
    KINDS,
    Unit,
    UnitName,
    checked_name,
    is_template,
    mangled,
    template_of,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What an argument stands for: `fresh` is the text found on disk or in a template, if any."""

    name: UnitName
    known: bool
    fresh: Unit | None
    path: str


def found(arguments: Iterable[str], state: DesiredState, *, replace: bool = False) -> list[Found]:
    """Look up the arguments of submit, load and start: files, folders, globs, names; each once.

    With `replace`, what is on disk comes before what the journal knows.
    """
    units: dict[UnitName, Found] = {}
    for argument in arguments:
        for one in _each(argument, state, replace):
            units.setdefault(one.name, one)
    return list(units.values())


def instances(units: Iterable[Found], state: DesiredState) -> list[Found]:
    """Look up the registered instances of the templates among `units` as --replace does."""
    templates = {unit.name: Path(unit.path).parent for unit in units if is_template(unit.name)}
    if not templates:
        raise UsageError(
            "--instances needs a template", hint="name one, as in web@.service, or its folder"
        )
    named = {unit.name for unit in units}
    return [
        _one(str(templates[template] / name), state, replace=True)
        for name in sorted(state.units.keys() - named)
        if (template := template_of(name)) in templates and _registered(name, state)
    ]


def refuse_templates(verb: str, arguments: Iterable[str]) -> None:
    """Raise UsageError when a template is named itself; in a folder it is only registered."""
    for argument in arguments:
        name = mangled(argument)
        if is_template(name) and not _is_folder(Path(argument)) and not _is_glob(argument):
            raise UsageError(
                f"{name} is a template and cannot be placed on a machine",
                hint=f"{verb} an instance of it: sshfleet {verb} {name.replace('@.', '@1.')}",
            )


def known(
    arguments: Iterable[str], state: DesiredState, *, placed: bool = False
) -> tuple[list[UnitName], list[str]]:
    """Look up names of registered units; return them, and the arguments nothing is known of.

    With `placed`, a glob means only units that belong on a machine.
    """
    names: dict[UnitName, None] = {}
    unknown: list[str] = []
    for argument in arguments:
        matches = _globbed(argument, state) if _is_glob(argument) else []
        if placed:
            matches = [name for name in matches if state.units[name].target.on_machine]
        if not _is_glob(argument):
            name = checked_name(mangled(argument))
            matches = [name] if _registered(name, state) else []
        if not matches:
            unknown.append(argument)
        names.update(dict.fromkeys(matches))
    return list(names), unknown


def not_known(argument: str, state: DesiredState) -> SshfleetError:
    """Make the error for a name that the journal does not have."""
    if _is_glob(argument):
        return SshfleetError(f"no unit matches '{argument}'", hint="see sshfleet list-unit-files")
    name = mangled(argument)
    close = get_close_matches(name, [str(unit) for unit in state.units], n=1)
    hint = f"did you mean {close[0]}?" if close else "see sshfleet list-unit-files"
    return SshfleetError(f"Unit {name} not found", hint=hint)


def _registered(name: UnitName, state: DesiredState) -> bool:
    unit = state.units.get(name)
    return unit is not None and unit.target is not TargetState.ABSENT


def _is_glob(argument: str) -> bool:
    return any(char in mangled(argument) for char in "*?[")  # a folder's name may have brackets


def _globbed(argument: str, state: DesiredState) -> list[UnitName]:
    matches = pattern(translate(argument)).match
    also = pattern(translate(mangled(argument))).match
    names = [name for name in state.units if _registered(name, state)]
    return sorted(name for name in names if matches(name) or also(name))


def _each(argument: str, state: DesiredState, replace: bool) -> Iterator[Found]:
    path = Path(argument)
    if _is_folder(path):
        yield from _folder(path, state, replace)
    elif _is_glob(argument):
        names = _globbed(argument, state)
        if not names:
            raise not_known(argument, state)
        for name in names:
            yield Found(name, known=True, fresh=None, path="")
    else:
        yield _one(argument, state, replace)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long for a path, or with a NUL in it
        return False


def _folder(folder: Path, state: DesiredState, replace: bool) -> Iterator[Found]:
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lstrip(".") in KINDS]
    if not files:
        raise UsageError(f"no unit file in {folder}", hint="unit files end in .service, .timer, …")
    for path in files:
        yield _one(str(path), state, replace)


def _one(argument: str, state: DesiredState, replace: bool) -> Found:
    name = checked_name(mangled(argument))
    is_known = _registered(name, state)
    path = Path(argument if argument.endswith(name) else argument + ".service")
    if path.is_file() or path.is_symlink():
        return Found(name, is_known, unit_in(path, name), str(path))
    template = template_of(name)
    if template and (made := _from_template(path, name, template, state, replace)):
        return made
    if is_known:
        return Found(name, is_known, None, "")
    wanted = f"template {template} of unit {name}" if template else f"unit {name}"
    raise SshfleetError(
        f"unable to find {wanted} in the journal or on disk",
        hint=_where(argument, path, state),
    )


def _from_template(
    path: Path, name: UnitName, template: UnitName, state: DesiredState, replace: bool
) -> Found | None:
    is_known, is_template_known = _registered(name, state), _registered(template, state)
    beside = path.parent / template
    if beside.is_file() and (replace or is_known or not is_template_known):
        return Found(name, is_known, unit_in(beside, name), str(beside))
    if is_template_known and (replace or not is_known):
        made = unit_from(template, state, path.parent, name)
        return Found(name, is_known, made, str(template))
    return None


def _where(argument: str, path: Path, state: DesiredState) -> str:
    name = mangled(argument)
    near = [file.name for file in path.parent.glob("*.*")] if path.parent.is_dir() else []
    close = get_close_matches(name, [*near, *map(str, state.units)], n=1)
    return f"did you mean {close[0]}?" if close else f"there is no file {path}"

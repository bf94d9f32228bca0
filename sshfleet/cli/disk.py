"""Unit files on disk, and the drop-ins beside them, as systemd.unit(5) has it for its own folders.

Rule 1: drop-ins are looked for beside the unit file, under the unit's name and its template's.
Rule 2: a file is read through a link, a folder is not: what lies elsewhere is not beside it.
"""

from errno import ENAMETOOLONG
from pathlib import Path

from sshfleet.errors import UnitFileError
from sshfleet.model.desired import DesiredState
from sshfleet.model.unit import Unit, UnitName, dropin_problem, template_of
from sshfleet.unitfile.read import MAX_BYTES, Dropin, read_unit


def unit_in(path: Path, name: UnitName) -> Unit:
    """Read a unit's file and drop-ins; raise UnitFileError where that fails or is not valid.

    `path` may be that of a template, and `name` an instance's.
    """
    template = template_of(name)
    dropins = _beside(path.parent, template) if template else {}
    dropins |= _beside(path.parent, name)
    return read_unit(name, _data(path), str(path), dropins.values())


def unit_from(template: UnitName, state: DesiredState, folder: Path, name: UnitName) -> Unit:
    """Make an instance of a registered template, with the drop-ins of its own in a folder."""
    known = state.units[template]
    dropins = {
        file: Dropin(file, state.texts[sha256].encode(), f"{template}.d/{file}")
        for file, sha256 in known.dropins.items()
    }
    dropins |= _beside(folder, name)
    return read_unit(name, state.texts[known.sha256].encode(), template, dropins.values())


def _beside(folder: Path, name: UnitName) -> dict[str, Dropin]:
    """Read name.d/*.conf, where hidden files do not count, nor any other ending."""
    home = folder / f"{name}.d"
    try:
        linked = home.is_symlink()
        files = sorted(home.iterdir()) if home.is_dir() and not linked else []
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            return {}
        raise _unreadable(home, error) from None
    if linked:
        raise UnitFileError(
            "is a link", place=str(home), hint="put the drop-ins into a folder of that name"
        )
    found = [file for file in files if file.name[0] != "." and file.suffix == ".conf"]
    return {file.name: _dropin(file) for file in found}


def _dropin(file: Path) -> Dropin:
    if problem := dropin_problem(file.name):
        raise UnitFileError(
            f"this is not the name of a drop-in: {problem}",
            hint="a name is like 10-memory.conf",
            place=str(file),
        )
    return Dropin(file.name, _data(file), str(file))


def _data(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise UnitFileError(
            "is not a regular file", place=str(path), hint="give the path of a file"
        )
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> UnitFileError:
    return UnitFileError(
        f"cannot read it: {error.strerror}", place=str(path), hint="make it readable for you"
    )

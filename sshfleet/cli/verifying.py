"""`sshfleet verify`: all that can be said of unit files before they are submitted.

    reading         names, syntax, [X-Fleet]                    an error: exit code 2
    plan.together   with the other files and the known units    an error: exit code 2
    systemd here    what it ignores is a warning, what may be on the machines a note, else an error
    systemd there   with --on MACHINE, instead: an error is exit code 1

Rule 1: it needs no inventory and no journal; what it can compare with, it does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sshfleet.cli.context import Context
from sshfleet.cli.disk import unit_in
from sshfleet.cli.errors import say_error
from sshfleet.cli.settings import Output
from sshfleet.errors import ExitCode, InventoryError, SshfleetError, UsageError
from sshfleet.model.event import TargetState
from sshfleet.model.remark import Level, Remark
from sshfleet.model.unit import KINDS, Unit, UnitName, checked_name, mangled


@dataclass(slots=True)
class Checked:
    """A file, its unit where it could be read, and what is to be said; `code` is the exit code."""

    path: Path
    unit: Unit | None = None
    remarks: list[Remark] = field(default_factory=list)
    code: int = 0

    def add(self, remarks: Iterable[Remark], code: ExitCode) -> None:
        """Add remarks; `code` is what an error among them means."""
        new = list(remarks)
        self.remarks += new
        if any(one.level is Level.ERROR for one in new):
            self.code = max(self.code, code)


def verify_files(context: Context, arguments: Iterable[Path], on: str) -> int:
    """Check files and tell all that is wrong; return the worst exit code."""
    from sshfleet.cli.opinions import opinions_here, opinions_there
    from sshfleet.plan.together import remarks

    checked = [_read(path) for argument in arguments for path in _files(argument)]
    units = [(one, one.unit) for one in checked if one.unit]
    known = {**_known(context), **{unit.name: unit for _, unit in units}}
    asked = [(one.path, unit) for one, unit in units]
    said = opinions_there(context, on, asked, known) if on else opinions_here(asked, known)
    for (one, unit), opinion in zip(units, said, strict=True):
        others = {name: other for name, other in known.items() if name != unit.name}
        one.add(remarks(unit, str(one.path), others), ExitCode.USAGE)
        one.add(opinion, ExitCode.NOT_SO if on else ExitCode.USAGE)
    _tell(context, checked, on)
    return max(one.code for one in checked)


def _files(argument: Path) -> list[Path]:
    """Return the unit files an argument stands for, as submit would take it."""
    if argument.is_dir():
        files = [path for path in sorted(argument.iterdir()) if path.suffix.lstrip(".") in KINDS]
        if not files:
            raise UsageError(f"no unit file in {argument}")
        return files
    whole = argument.parent / mangled(argument.name)
    return [whole if whole.is_file() and not argument.exists() else argument]


def _read(path: Path) -> Checked:
    try:
        return Checked(path, unit_in(path, checked_name(path.name)))
    except SshfleetError as error:
        remark = Remark(
            level=Level.ERROR, message=error.message, place=error.place, hint=error.hint
        )
        return Checked(path, remarks=[remark], code=error.exit_code)


def _known(context: Context) -> dict[UnitName, Unit]:
    """Read the registered units; none where there is no inventory to tell whose journal it is."""
    from sshfleet.unitfile.registered import Registered

    try:
        state = context.read_state()
    except InventoryError as error:
        if context.settings.inventory:
            raise
        context.note(f"note: not compared with registered units: {error.message}")
        return {}
    registered = Registered(state, {})
    return {
        name: registered[name]
        for name, unit in state.units.items()
        if unit.target is not TargetState.ABSENT
    }


def _tell(context: Context, checked: Iterable[Checked], on: str) -> None:
    from sshfleet.render.document import VERSION, written

    for one in checked:
        for remark in one.remarks:
            _say(context, remark)
        if context.settings.output is Output.TABLE and not one.code:
            context.out(f"{one.path.name}: ok\n")
    if context.settings.output is not Output.TABLE:
        files = [*map(_item, checked)]
        document: dict[str, object] = {"version": VERSION, "on": on or None, "files": files}
        context.out(written(document, context.settings.output.value))


def _say(context: Context, remark: Remark) -> None:
    text = f"{remark.place}: {remark.message}" if remark.place else remark.message
    if remark.level is Level.ERROR:
        say_error(text, remark.hint)
    else:
        hint = f" ({remark.hint})" if remark.hint else ""
        context.note(f"{remark.level}: {text}{hint}")


def _item(one: Checked) -> dict[str, object]:
    return {
        "file": str(one.path),
        "unit": one.unit.name if one.unit else None,
        "ok": not one.code,
        "remarks": [*_remarks(one.remarks)],
    }


def _remarks(remarks: Iterable[Remark]) -> Iterator[dict[str, str | None]]:
    for one in remarks:
        yield {
            "level": one.level,
            "place": one.place or None,
            "message": one.message,
            "hint": one.hint or None,
        }

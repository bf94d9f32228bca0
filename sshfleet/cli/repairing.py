"""journal-repair: show what is damaged in the journal, and on a yes go on from what is good.

Rule 1: no machine is contacted; what the lost records decided stays on the machines.
"""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context, now, whoami
from sshfleet.cli.settings import Output
from sshfleet.errors import ExitCode, UsageError
from sshfleet.render.safe import safe_line

if TYPE_CHECKING:
    from sshfleet.journal.repair import Damage, Examined, Repair

Yes = Annotated[bool, typer.Option("--yes", help="Repair without asking.")]
NEXT = (
    "look with sshfleet plan before anything else; sshfleet adopt takes back from the machines "
    "what was lost"
)


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("journal-repair")(journal_repair)


def journal_repair(ctx: typer.Context, yes: Yes = False) -> int:
    """Show damage in the controller's journal, and cut it off."""
    import shlex

    from sshfleet.journal.lock import Holder
    from sshfleet.journal.record import rfc3339
    from sshfleet.journal.repair import Repair

    context: Context = ctx.obj
    said = context.settings
    holder = Holder(
        pid=os.getpid(),
        by=whoami(),
        cmd=shlex.join(("sshfleet", *said.words)),
        since=rfc3339(now()),
    )
    with Repair.opened(
        context.journal_path,
        holder,
        lock_wait=said.lock_wait,
        allow_network_fs=said.allow_network_fs,
    ) as repair:
        return _repaired(context, repair, yes=yes)


def _repaired(context: Context, repair: "Repair", *, yes: bool) -> int:
    found = repair.found
    if found.damage is None:
        _tell(context, _sound(found))
        _document(context, found, "")
        return ExitCode.DONE
    _tell(context, _told(found, found.damage))
    if not yes and not _agreed(context, found):
        _document(context, found, "")
        context.note("nothing was changed")
        return ExitCode.NOT_SO
    kept = repair.cut(now())
    _tell(context, [f"cut off before line {found.records + 1}; the broken file is {kept}", NEXT])
    _document(context, found, kept)
    return ExitCode.DONE


def _agreed(context: Context, found: "Examined") -> bool:
    from sshfleet.cli.questions import ask

    if not sys.stdin.isatty():
        _document(context, found, "")
        raise UsageError(
            "nobody is there to be asked whether to repair the journal; nothing was changed",
            hint="read the lines above, then: sshfleet journal-repair --yes",
        )
    line = found.records + 1
    question = f"Cut the journal off before line {line}? The broken file is kept."
    return context.run(ask(question))


def _sound(found: "Examined") -> list[str]:
    lines = [f"{found.path} is sound: {found.records} records"]
    if found.torn:
        lines.append(
            f"its last line is incomplete ({found.torn} bytes), as after a crash: the next command "
            "that changes something cuts it off"
        )
    return lines


def _told(found: "Examined", damage: "Damage") -> list[str]:
    until = f", the last of {found.last:%Y-%m-%d %H:%M:%S} UTC" if found.last else ""
    units = [f"{name} {state}" for name, state in _units(found).items()]
    lines = [
        f"{found.path}:{damage.line}: {damage.problem}",
        f"good: {found.records} records before it{until}",
        f"lost: {damage.lost_lines} lines, {damage.lost_bytes} bytes, from there to the end",
        f"left: {len(units)} units{': ' if units else ''}{', '.join(units)}",
    ]
    if not found.records and found.archive:
        lines.append(
            f"the records before are in {found.archive}: docs/journal.md tells how to "
            "go on from there"
        )
    return lines


def _units(found: "Examined") -> dict[str, str]:
    return {str(name): unit.target.value for name, unit in sorted(found.state.units.items())}


def _tell(context: Context, lines: list[str]) -> None:
    context.say("".join(f"{safe_line(line, 2000)}\n" for line in lines))
    context.flush()


def _document(context: Context, found: "Examined", kept: str) -> None:
    """Print what was found and done as JSON; `kept` is the broken file's path, once repaired."""
    from sshfleet.render.document import VERSION, Document, written

    if context.settings.output is Output.TABLE:
        return
    damage = found.damage
    document: Document = {
        "version": VERSION,
        "journal": str(found.path),
        "sound": damage is None,
        "records": found.records,
        "line": damage.line if damage else None,
        "problem": damage.problem if damage else None,
        "lost_lines": damage.lost_lines if damage else 0,
        "lost_bytes": damage.lost_bytes if damage else 0,
        "repaired": bool(kept),
        "kept": kept or None,
        "left": [{"unit": name, "state": state} for name, state in _units(found).items()],
    }
    context.out(written(document, context.settings.output.value))

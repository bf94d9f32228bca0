"""systemd's opinion of unit files: of systemd-analyze on this computer, or on a machine."""

import asyncio
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sshfleet.cli.context import Context
from sshfleet.errors import HostKeyRejected, MachinesUnreachable, NoUsableKey, SshfleetError
from sshfleet.model.observed import Trouble
from sshfleet.model.remark import Remark
from sshfleet.model.step import Completed, Run
from sshfleet.model.unit import Unit, UnitName, template_of
from sshfleet.systemd.analyze import FAILED, MISSING, analyze_run, opinion
from sshfleet.transport.base import TransportError

if TYPE_CHECKING:
    from sshfleet.model.machine import Machine

SECONDS = "30"
_KINDS = {Trouble.HOST_KEY: HostKeyRejected, Trouble.AUTH: NoUsableKey}

Asked = Sequence[tuple[Path, Unit]]
Known = Mapping[UnitName, Unit]


def opinions_here(asked: Asked, known: Known) -> list[list[Remark]]:
    """Return what systemd on this computer says of each unit; nothing where there is none."""
    if not shutil.which("systemd-analyze"):
        return [[] for _ in asked]
    found = []
    for path, unit in asked:
        run = _run_of(unit, known)
        done = subprocess.run(
            ["timeout", "-k", "5", SECONDS, "sh", "-c", run.script],
            input=run.data,
            capture_output=True,
            check=False,
        )
        answer = Completed(status=done.returncode, stdout=done.stdout, stderr=done.stderr)
        found.append(opinion(unit.name, _places(path, unit), answer))
    return found


def opinions_there(context: Context, on: str, asked: Asked, known: Known) -> list[list[Remark]]:
    """Return what systemd on a machine says of each unit; raise when that cannot be asked."""
    from sshfleet.cli.machine_names import machine_called

    machine = machine_called(context.fleet, context.read_state(), on)
    answers = context.run(_answers(context, machine, [_run_of(unit, known) for _, unit in asked]))
    found = []
    for (path, unit), answer in zip(asked, answers, strict=True):
        if problem := _no_answer(answer):
            raise SshfleetError(
                f"{machine.name} cannot verify {unit.name}: {problem}",
                hint="name another machine, or leave out --on",
            )
        found.append(opinion(unit.name, _places(path, unit), answer, machine.name))
    return found


async def _answers(context: Context, machine: "Machine", runs: Sequence[Run]) -> list[Completed]:
    try:
        async with context.connect() as transport:
            return await asyncio.gather(*(transport.run(machine, run) for run in runs))
    except TransportError as error:
        kind = _KINDS.get(error.trouble, MachinesUnreachable)
        raise kind(f"{machine.name} cannot be reached ({error.message})", hint=error.hint) from None


def _no_answer(answer: Completed) -> str:
    if answer.status == MISSING:
        return "it has no systemd-analyze"
    if answer.status == FAILED:
        return answer.stderr.decode("utf-8", "backslashreplace").strip() or "no room for the file"
    return "" if answer.stdout else "it did not answer in time"


def _run_of(unit: Unit, known: Known) -> Run:
    files: dict[str, str] = {}
    for one in _mentioned(unit, known):
        files[one.name] = one.text
        files |= {f"{one.name}.d/{name}": text for name, text in one.dropins.items()}
    return analyze_run(unit.name, files)


def _mentioned(unit: Unit, known: Known) -> list[Unit]:
    """Return a unit and all whose names stand in its text, or in theirs."""
    found, queue = {unit.name: unit}, [unit]
    while queue:
        text = "\n".join(((one := queue.pop()).text, *one.dropins.values()))
        for name, other in known.items():
            if name not in found and name.replace("@.", "@\0.").partition("\0")[0] in text:
                found[name] = other
                queue.append(other)
    return list(found.values())


def _places(path: Path, unit: Unit) -> dict[str, str]:
    """Map the unit's files as they are written for systemd to their places here."""
    folders = [path.parent / f"{name}.d" for name in (unit.name, template_of(unit.name)) if name]
    places = {str(unit.name): str(path)}
    for name in unit.dropins:
        here = next((one / name for one in folders if (one / name).exists()), path)
        places[f"{unit.name}.d/{name}"] = str(here)
    return places

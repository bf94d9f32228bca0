"""`--metrics FILE`: what a run found and did, for the textfile collector of Prometheus.

Rule 1: the file is written however the run ended, also when it could not begin.
Rule 2: it is replaced as a whole, so a collector never reads half of one. It is not fsynced: after
a power cut the next run writes a new one.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sshfleet.cli.context import Context, now
from sshfleet.cli.errors import tell
from sshfleet.cli.signals import Interrupted
from sshfleet.errors import ExitCode, SshfleetError

if TYPE_CHECKING:
    from sshfleet.command import Result
    from sshfleet.model.action import Plan
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.observed import Observed
    from sshfleet.model.unit import UnitName
    from sshfleet.render.metrics import Measured

STATUSES = (
    "ready", "cordoned", "draining", "unreachable", "unauthorized", "hostkey", "duplicate-id",
    "unknown",
)  # fmt: skip
VERBS = ("stop", "remove", "install", "start", "restart")
RESULTS = ("done", "failed", "unknown")

Run = Callable[[Context], "tuple[int, Result | None]"]


def measured(context: Context, file: Path, run: Run) -> int:
    """Run, and write what came of it, also when that is an exception; return the exit code."""
    begun = time.monotonic()
    code, result = int(ExitCode.BUG), None
    written = False
    try:
        code, result = run(context)
    except SshfleetError as error:
        code = error.exit_code
        raise
    except Interrupted:
        code = context.signals.code
        raise
    finally:
        # A signal came while the run went on, and it ended calmly.
        code = context.signals.code or code
        written = _written(context, file, _measured(context, code, result, begun))
    return code or (ExitCode.DONE if written else ExitCode.NOT_SO)


def _written(context: Context, file: Path, run: "Measured") -> bool:
    from sshfleet.render.metrics import metrics_text

    try:
        replace_file(file, metrics_text(run).encode(errors="replace"))
    except OSError as problem:
        reason = problem.strerror or str(problem)
        hint = "the folder must be there and be yours to write in; sshfleet does not make it"
        tell(SshfleetError(f"cannot write the metrics: {reason}", place=str(file), hint=hint))
        context.flush()
        return False
    return True


def replace_file(file: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file all at once; raise OSError, and leave nothing. A device stays what it is."""
    if file.exists() and not file.is_file():
        raise OSError("it is there and is not a regular file")
    staged = file.with_name(f".{file.name}.{os.getpid()}")
    fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as opened:
            os.fchmod(opened.fileno(), mode)  # whatever the umask is: a collector has to read it
            opened.write(data)
        staged.replace(file)
    except BaseException:
        with suppress(OSError):
            staged.unlink()
        raise


def _measured(context: Context, code: int, result: "Result | None", begun: float) -> "Measured":
    from sshfleet.render.metrics import Measured

    desired = result.world.desired if result else _remembered(context)
    observed = result.world.observed if result else None
    return Measured(
        fleet=_fleet(context),
        ended=now().timestamp(),
        seconds=time.monotonic() - begun,
        code=int(code),
        machines=_machines(context, desired, observed) if desired else {},
        units=_units(desired, result.plan if result else None) if desired else {},
        actions=_actions(result),
        silent=_silent(context, observed) if observed else {},
    )


def _fleet(context: Context) -> str:
    try:
        return context.fleet.name
    except SshfleetError:
        return ""


def _remembered(context: Context) -> "DesiredState | None":
    """Read the journal of a run that did not get as far, without its lock."""
    from sshfleet.journal.store import read_state

    try:
        return read_state(context.journal_path)[0]
    except SshfleetError:
        return None


def _machines(
    context: Context, desired: "DesiredState", observed: "Observed | None"
) -> Mapping[str, int]:
    """Count machines by status; those nobody asked are `unknown`."""
    from sshfleet.model.observed import Observed
    from sshfleet.render.rows import View

    if not _fleet(context):
        return {}
    seen = observed or Observed()
    view = View(fleet=context.fleet, desired=desired, observed=seen, hash_of=str)
    counts = Counter(dict.fromkeys(STATUSES, 0))
    for machine in context.fleet.machines:
        counts[view.status(machine.name) if machine.name in seen.reports else "unknown"] += 1
    return counts


def _units(desired: "DesiredState", plan: "Plan | None") -> Mapping[tuple[str, str], int]:
    from sshfleet.model.event import TargetState

    counts = Counter(
        {(target.value, wanted): 0 for target in TargetState for wanted in ("yes", "no")}
        if plan
        else {}
    )
    bad = _not_as_wanted(plan) if plan else frozenset()
    for name, unit in desired.units.items():
        wanted = "unknown" if plan is None else "no" if name in bad else "yes"
        counts[unit.target.value, wanted] += 1
    return counts


def _not_as_wanted(plan: "Plan") -> "frozenset[UnitName]":
    parts = (plan.unplaceable, plan.problems, plan.away, plan.waiting, plan.actions)
    return frozenset(item.unit for part in parts for item in part)


def _actions(result: "Result | None") -> Mapping[tuple[str, str], int]:
    counts = Counter({(verb, word): 0 for verb in VERBS for word in RESULTS})
    for one in result.ended if result else ():
        counts[one.action.verb.name.lower(), one.result] += 1
    return counts


def _silent(context: Context, observed: "Observed") -> Mapping[str, float]:
    """Tell of each silent machine since when it is, or at least when it last answered."""
    from sshfleet.clock import boot_id
    from sshfleet.journal.cache import load_seen
    from sshfleet.journal.standings import known
    from sshfleet.model.observed import Unreachable
    from sshfleet.model.standing import SILENCE

    answered = load_seen(context.journal_path)
    standings = known(context.journal_path, boot_id())
    found: dict[str, float] = {}
    for name, report in observed.reports.items():
        if isinstance(report, Unreachable) and report.trouble in SILENCE:
            times = [answered[name][0]] if name in answered else []
            if name in standings and standings[name].silent:
                times.append(standings[name].since)
            if times:
                found[str(name)] = max(times).timestamp()
    return found

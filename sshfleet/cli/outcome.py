"""A finished run → lines on stdout, errors on stderr, one exit code.

Rule 1: every unit that was named is accounted for exactly once.
Rule 2: the exit code is the worst of them: something is not so (1) before somebody was away (3).
"""

import sys
from collections.abc import Callable, Iterable

from sshfleet.cli.context import Context
from sshfleet.cli.errors import say_error, tell
from sshfleet.cli.settings import Output
from sshfleet.cli.staying import say_remaining
from sshfleet.cli.unfinished import say_unfinished
from sshfleet.command import Result
from sshfleet.errors import ExitCode
from sshfleet.model.action import Action, Problem, Unplaceable, Waiting
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import TAKE_OVER, Report, Trouble, Unreachable
from sshfleet.model.unit import UnitName
from sshfleet.render.document import Document, Fate, run_document, verb_document, written
from sshfleet.render.legend import legend
from sshfleet.render.states import action_line, cannot_run, indented, state_line

_AWAY: dict[Trouble | None, ExitCode] = {
    Trouble.OWNED: ExitCode.NOT_SO,
    Trouble.HOST_KEY: ExitCode.HOST_KEY,
    Trouble.AUTH: ExitCode.NO_KEY,
}


def report(context: Context, verb: str, names: Iterable[UnitName], result: Result) -> int:
    """Tell how a verb ended for each unit it named; return the exit code."""
    plan = result.plan
    bad = _named(plan.unplaceable, plan.problems, plan.away, plan.waiting, plan.actions)
    return _tell(context, names, result, bad, lambda name: _line(verb, name, result))


def triggered(context: Context, verb: str, names: Iterable[UnitName], result: Result) -> int:
    """Tell what `--no-block` has set going; return the exit code."""
    bad = _named(result.plan.unplaceable, result.plan.problems)

    def line(name: UnitName) -> str:
        if verb == "destroy" and name not in result.world.desired.units:
            return f"Destroyed {name}\n"
        return f"Triggered {_kind(name, result)} {name} {verb}\n"

    return _tell(context, names, result, bad, line)


def _tell(
    context: Context,
    names: Iterable[UnitName],
    result: Result,
    bad: frozenset[UnitName],
    line: Callable[[UnitName], str],
) -> int:
    refused = dict(result.intent.refused)
    named = sorted(set(names) - refused.keys())
    if context.settings.output is Output.TABLE:
        context.out("".join(line(name) for name in named if name not in bad))
    else:
        fates = [_fate(name, result, ok=name not in bad) for name in named]
        why = [(name, str(refused[name])) for name in sorted(refused)]
        document = verb_document(fates, why, done_document(result))
        context.out(written(document, context.settings.output.value))
    for name in sorted(refused):
        tell(refused[name])
    return max((error.exit_code for error in refused.values()), default=0) or tell_trouble(result)


def _line(verb: str, name: UnitName, result: Result) -> str:
    unit = result.world.desired.units.get(name)
    if verb == "destroy":
        return f"Destroyed {name}\n"
    if unit is None:
        return state_line(name, "inactive")
    if _kind(name, result) == "global unit" and verb != "submit":
        return f"Triggered global unit {name} {verb}\n"
    return state_line(name, unit.target, where(unit, result))


def _fate(name: UnitName, result: Result, *, ok: bool) -> Fate:
    unit = result.world.desired.units.get(name)
    known = result.world.desired.machines
    return Fate(
        unit=name,
        ok=ok,
        state=unit.target if unit else TargetState.ABSENT,
        is_global=_kind(name, result) == "global unit",
        machines=tuple(sorted(known[one].name for one in unit.placements)) if unit else (),
    )


def done_document(result: Result) -> Document:
    """Tell what a run did, and what stands in the way."""
    done = [
        (one.action, one.result, one.outcome.detail if one.outcome else "") for one in result.ended
    ]
    return run_document(done, result.plan, timed_out=result.timed_out)


def _kind(name: UnitName, result: Result) -> str:
    text = result.world.units.get(name)
    return "global unit" if text is not None and text.requirements.is_global else "unit"


def where(unit: DesiredUnit, result: Result) -> str:
    """Name the machines that a unit is placed on."""
    return ", ".join(_legend(machine, result) for machine in sorted(unit.placements))


def _legend(machine: MachineId, result: Result) -> str:
    known = result.world.desired.machines.get(machine)
    return legend(machine, known.address if known else "")


def _named(*parts: Iterable[Unplaceable | Problem | Waiting | Action]) -> frozenset[UnitName]:
    return frozenset(item.unit for part in parts for item in part)


def tell_trouble(result: Result) -> int:
    """Print what is not as wanted on stderr; return the exit code it means."""
    say_trouble(result)
    return trouble_code(result)


def say_trouble(result: Result) -> None:
    """Print what is not as wanted on stderr."""
    plan = result.plan
    for refusal in plan.unplaceable:
        _tell_unplaceable(refusal)
    for problem in plan.problems:
        say_error(
            f"{problem.unit} on {problem.machine}: {problem.why}",
            problem.hint or f"sshfleet status {problem.unit}; sshfleet journal {problem.unit}",
        )
    say_remaining(plan.remaining)
    if result.stopped:
        say_unfinished(result)
        return
    if result.timed_out:
        for waiting in plan.waiting:
            say_error(
                f"timed out: {waiting.unit} on {waiting.machine} is {waiting.why}",
                "it goes on there; look with sshfleet list-units, or allow more with --timeout",
            )
    _tell_away(result)
    if plan.frozen:
        say_error(plan.frozen, "when it is not: sshfleet evict MACHINE")


def trouble_code(result: Result) -> int:
    """Return the exit code that what is not as wanted means."""
    plan = result.plan
    if plan.unplaceable or plan.problems or plan.remaining or result.timed_out:
        return _unplaceable_code(result) or ExitCode.NOT_SO
    if plan.frozen:
        return ExitCode.TRY_LATER
    return max((_away_code(result, item) for item in plan.away), default=ExitCode.DONE)


def _tell_unplaceable(refusal: Unplaceable) -> None:
    say_error(f"{refusal.unit} {cannot_run(len(refusal.reasons))}")
    sys.stderr.write("".join(line + "\n" for line in indented(refusal.reasons)))
    sys.stderr.write(
        "hint: change its [X-Fleet] rules or free a machine; "
        "reconcile places it as soon as one qualifies\n"
    )


def _tell_away(result: Result) -> None:
    machines: dict[tuple[MachineName, str], list[UnitName]] = {}
    for item in result.plan.away:
        machines.setdefault((item.machine, item.why), []).append(item.unit)
    for (machine, why), units in machines.items():
        report = result.world.observed.reports.get(machine)
        named = ", ".join(units)
        if _trouble(report) is Trouble.OWNED:
            say_error(f"{machine} {why}: {named}", TAKE_OVER)
            continue
        hint = "what you asked is recorded; sshfleet reconcile finishes it when the machine is back"
        if again := [unit for unit in units if unit in result.intent.unheard]:
            hint = f"when the machine is back: sshfleet restart {' '.join(again)}"
        say_error(f"{machine} cannot be reached ({why}): {named}", hint)


def _away_code(result: Result, item: Waiting) -> int:
    return _AWAY.get(
        _trouble(result.world.observed.reports.get(item.machine)), ExitCode.UNREACHABLE
    )


def _unplaceable_code(result: Result) -> int:
    """Return 76 or 77 when all that stands in the way is that kind of trouble everywhere."""
    plan = result.plan
    troubles = {_trouble(report) for report in result.world.observed.reports.values()}
    if len(troubles) != 1 or plan.problems or plan.remaining or result.timed_out:
        return 0
    return _AWAY.get(troubles.pop(), 0)


def _trouble(report: Report | None) -> Trouble | None:
    return report.trouble if isinstance(report, Unreachable) else None


def changes(result: Result) -> Iterable[str]:
    """Yield a line for each action that was carried out."""
    for ended in result.ended:
        outcome = ended.outcome
        words = "" if outcome and outcome.ok else outcome.detail if outcome else "unknown"
        yield action_line(ended.action, words)

"""State lines and refusals: what a verb says of each unit."""

from collections.abc import Iterable, Mapping, Sequence

from sshfleet.model.action import Action, Plan, Verb
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from sshfleet.render.safe import safe_line

FEW = 12  # machines told one by one; more are grouped by their reasons

_SIGNS = {
    Verb.STOP: "-",
    Verb.REMOVE: "-",
    Verb.INSTALL: "+",
    Verb.START: "+",
    Verb.RESTART: "~",
}


def state_line(unit: str, state: str, legend: str = "") -> str:
    """Say what state a unit is in, and where."""
    return f"Unit {unit} {state}" + (f" on {legend}" if legend else "") + "\n"


def action_line(action: Action, result: str) -> str:
    """Say what was done on a machine and why; `result` is added unless it is empty."""
    verb = action.verb.name.lower()
    tail = f" [{safe_line(result)}]" if result else ""
    reason = safe_line(action.reason)
    return f"{_SIGNS[action.verb]} {action.unit} {verb} on {action.machine}: {reason}{tail}\n"


def plan_lines(plan: Plan) -> Iterable[str]:
    """Tell all of a plan, a line each, for `--debug`."""
    yield from (safe_line(f"decided {decision}", 2000) + "\n" for decision in plan.decisions)
    yield from (action_line(action, "") for action in plan.actions)
    for kind, items in (("waiting", plan.waiting), ("away", plan.away), ("problem", plan.problems)):
        for item in items:
            yield safe_line(f"{kind}: {item.unit} on {item.machine}: {item.why}", 2000) + "\n"


def unfinished_lines(plan: Plan) -> list[str]:
    """Tell what a plan still has to do or to wait for: a line for each unit on a machine."""
    left: dict[tuple[MachineName, UnitName], list[str]] = {}
    for action in plan.actions:
        left.setdefault((action.machine, action.unit), []).append(f"{action.verb.name.lower()}")
    told = {key: f"still to do: {', '.join(verbs)}" for key, verbs in left.items()}
    told |= {(item.machine, item.unit): f"goes on there: {item.why}" for item in plan.waiting}
    told |= {(item.machine, item.unit): f"not known: {item.why}" for item in plan.away}
    return [
        safe_line(f"{unit} on {machine}: {words}", 2000) + "\n"
        for (machine, unit), words in sorted(told.items())
    ]


def cannot_run(machines: int) -> str:
    """Say that none of so many machines may run a unit."""
    if machines == 0:
        return "cannot run: there is no machine"
    return f"cannot run on {'the only machine' if machines == 1 else f'any of {machines} machines'}"


def indented(reasons: Mapping[MachineName, Sequence[str]]) -> list[str]:
    """Tell, machine by machine, why a unit cannot run there; grouped where there are many."""
    return [f"  {line}" for line in reason_lines(reasons)]


def reason_lines(reasons: Mapping[MachineName, Sequence[str]]) -> list[str]:
    """Tell what speaks against each machine; grouped where there are many."""
    if len(reasons) > FEW:
        return list(_grouped(reasons))
    width = max((len(name) for name in reasons), default=0)
    return [f"{name:<{width}}  {safe_line('; '.join(why), 1000)}" for name, why in reasons.items()]


def _grouped(reasons: Mapping[MachineName, Sequence[str]]) -> Iterable[str]:
    groups: dict[str, list[str]] = {}
    for name, why in reasons.items():
        groups.setdefault("; ".join(why), []).append(str(name))
    for why, names in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        first = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        machines = "1 machine" if len(names) == 1 else f"{len(names)} machines"
        yield f"{machines} ({first})  {safe_line(why, 1000)}"

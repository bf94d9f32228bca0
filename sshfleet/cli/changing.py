"""What the verbs of units have in common: look up, decide, converge, tell."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import TYPE_CHECKING

from sshfleet.cli.context import Context
from sshfleet.cli.errors import tell
from sshfleet.errors import UsageError

if TYPE_CHECKING:
    from sshfleet.memory import Memory
    from sshfleet.model.unit import UnitName
    from sshfleet.plan.intent import Intent
    from sshfleet.plan.world import World

ATTEMPT = 2.0  # seconds of one --block-attempts attempt, as in fleetctl


@dataclass(frozen=True, slots=True)
class Texts:
    """Which texts a verb takes from disk: also those of known units, also those of instances."""

    replace: bool = False
    instances: bool = False


class How:
    """Whether a verb acts at all, and whether and how long it then waits."""

    def __init__(self, no_block: bool = False, attempts: int = 0, dry_run: bool = False) -> None:
        self.wait = not no_block
        self.seconds = attempts * ATTEMPT if attempts > 0 else None
        self.dry_run = dry_run


def put(context: Context, verb: str, arguments: list[str], texts: Texts, how: How) -> int:
    """Register what is new, then let it be placed: submit, load and start."""
    from sshfleet.cli.lookup import found, instances, refuse_templates
    from sshfleet.cli.replacing import chosen, may_move, tell_unchanged
    from sshfleet.model.unit import is_template
    from sshfleet.plan.intent import registered_and_targeted

    if texts.instances and not texts.replace:
        raise UsageError("--instances goes with --replace", hint="add --replace")
    with context.open_journal(dry_run=how.dry_run) as journal:
        state = journal.state
        if verb != "submit" and not texts.instances:
            refuse_templates(verb, arguments)
        units = found(arguments, state, replace=texts.replace)
        followers = instances(units, state) if texts.instances else []
        given = [one for one in units if one.fresh or not (followers and is_template(one.name))]
        fresh = chosen(context, verb, [*given, *followers], state, replace=texts.replace)
        tell_unchanged(context, fresh, state)
        names = [unit.name for unit in units if not is_template(unit.name)]

        def decide(world: "World") -> "Intent":
            return registered_and_targeted(world, fresh, verb, names)

        if verb == "submit":
            return _submitted(context, journal, decide, [unit.name for unit in fresh])
        changed = frozenset(unit.name for unit in fresh)
        scope = [*names, *(unit.name for unit in followers if unit.name in changed)]
        return _converged(
            context, journal, verb, scope, decide, how, may_move=may_move(fresh, state)
        )


def change(context: Context, verb: str, arguments: list[str], how: How) -> int:
    """Change the target of registered units: stop, unload, destroy and restart."""
    from sshfleet.cli.lookup import known, not_known
    from sshfleet.plan.intent import restarted, targeted

    with context.open_journal(dry_run=how.dry_run) as journal:
        names, unknown = known(arguments, journal.state, placed=verb in ("stop", "restart"))
        for argument in unknown:
            tell(not_known(argument, journal.state))

        def decide(world: "World") -> "Intent":
            return restarted(names, world) if verb == "restart" else targeted(verb, names, world)

        code = _converged(context, journal, verb, names, decide, how) if names else 0
        return code or (1 if unknown else 0)


def _submitted(
    context: Context,
    journal: "Memory",
    decide: "Callable[[World], Intent]",
    names: "list[UnitName]",
) -> int:
    from sshfleet.cli.outcome import report
    from sshfleet.cli.planning import foreseen
    from sshfleet.cli.running import run
    from sshfleet.command import Command

    command = Command(decide=decide, scope=frozenset(names), contact=())
    if not journal.durable:
        return foreseen(context, journal, command)
    return report(context, "submit", names, run(context, journal, command))


def _converged(
    context: Context,
    journal: "Memory",
    verb: str,
    names: "list[UnitName]",
    decide: "Callable[[World], Intent]",
    how: How,
    *,
    may_move: bool = False,
) -> int:
    from sshfleet.cli.outcome import report, triggered
    from sshfleet.cli.planning import foreseen
    from sshfleet.cli.running import command_for, run

    new = sorted(set(names) - frozenset(journal.state.units))
    command = command_for(context, journal.state, names, decide, verb, may_move=may_move)
    command = replaced(command, wait=how.wait, timeout=how.seconds or command.timeout)
    if not journal.durable:
        return foreseen(context, journal, command)
    result = run(context, journal, command, registered=new)
    tell_them = report if how.wait else triggered
    return tell_them(context, verb, names, result)

"""`--replace`: which of the texts found on disk are to be registered (fleet's table, §1.6)."""

from collections import Counter
from collections.abc import Iterable, Iterator

from sshfleet.cli.context import Context
from sshfleet.cli.lookup import Found
from sshfleet.errors import SshfleetError
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TargetState
from sshfleet.model.unit import Unit, UnitName, template_of
from sshfleet.unitfile.registered import Registered

# The target states in which a verb may give a unit another text.
_ALLOWED = {
    "submit": (TargetState.INACTIVE,),
    "load": (TargetState.INACTIVE, TargetState.LOADED),
    "start": (TargetState.INACTIVE, TargetState.LOADED, TargetState.LAUNCHED),
}


def chosen(
    context: Context, verb: str, units: Iterable[Found], state: DesiredState, *, replace: bool
) -> list[Unit]:
    """Return the units to register: new ones, and with --replace those whose text is another."""
    return list(_chosen(context, verb, list(units), state, replace))


def may_move(fresh: Iterable[Unit], state: DesiredState) -> bool:
    """Tell whether a unit that is placed gets other rules, so that its machine may not do."""
    before = Registered(state, {})
    return any(
        state.units[unit.name].placements and before[unit.name].requirements != unit.requirements
        for unit in fresh
        if unit.name in state.units
    )


def tell_unchanged(context: Context, fresh: Iterable[Unit], state: DesiredState) -> None:
    """Note how many instances of replaced templates go on with the text they have."""
    kept: Counter[UnitName] = Counter()
    given = {unit.name: unit.content for unit in fresh}
    for name, unit in state.units.items():
        template = template_of(name) or UnitName("")
        if template in given and name not in given and unit.target is not TargetState.ABSENT:
            kept[template] += unit.content != given[template]
    for template, count in sorted(kept.items()):
        if count:
            instances = "1 instance keeps its" if count == 1 else f"{count} instances keep their"
            context.note(f"{template}: {instances} text; give them the new one with --instances")


def _chosen(
    context: Context, verb: str, units: list[Found], state: DesiredState, replace: bool
) -> Iterator[Unit]:
    for unit in units:
        if not unit.known:
            if unit.fresh:
                yield unit.fresh
        elif replace:
            yield from _replacement(context, verb, unit, state)
        elif unit.fresh and unit.fresh.content != state.units[unit.name].content:
            file = "unit file" if unit.path.endswith(unit.name) else "template unit file"
            context.note(
                f"WARNING: Unit {unit.name} in the journal differs from the local {file} "
                f"{unit.path}. Add --replace to override."
            )


def _replacement(context: Context, verb: str, unit: Found, state: DesiredState) -> Iterator[Unit]:
    target = state.units[unit.name].target
    if unit.fresh is None:
        raise SshfleetError(
            f"there is no file to replace {unit.name} with", hint="give the path of its new file"
        )
    if unit.fresh.content == state.units[unit.name].content:
        context.say(f"Found same Unit({unit.name}) in Registry, nothing to do\n")
    elif target not in _ALLOWED[verb]:
        context.note(
            f"Warning: can not replace Unit({unit.name}) in state '{target}', "
            "use the appropriate command"
        )
    else:
        yield unit.fresh

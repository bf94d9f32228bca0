"""`--replace`: which of the texts found on disk are to be registered (fleet's table, §1.6)."""

from collections.abc import Iterable, Iterator

from sshfleet.cli.context import Context
from sshfleet.cli.lookup import Found
from sshfleet.errors import SshfleetError
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TargetState
from sshfleet.model.unit import Unit

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


def _chosen(
    context: Context, verb: str, units: list[Found], state: DesiredState, replace: bool
) -> Iterator[Unit]:
    for unit in units:
        if not unit.known:
            if unit.fresh:
                yield unit.fresh
        elif replace:
            yield from _replacement(context, verb, unit, state)
        elif unit.fresh and unit.fresh.sha256 != state.units[unit.name].sha256:
            context.note(
                f"WARNING: Unit {unit.name} in the journal differs from the local unit file "
                f"{unit.path}. Add --replace to override."
            )


def _replacement(context: Context, verb: str, unit: Found, state: DesiredState) -> Iterator[Unit]:
    target = state.units[unit.name].target
    if unit.fresh is None:
        raise SshfleetError(
            f"there is no file to replace {unit.name} with", hint="give the path of its new file"
        )
    if unit.fresh.sha256 == state.units[unit.name].sha256:
        context.say(f"Found same Unit({unit.name}) in Registry, nothing to do\n")
    elif target not in _ALLOWED[verb]:
        context.note(
            f"Warning: can not replace Unit({unit.name}) in state '{target}', "
            "use the appropriate command"
        )
    else:
        yield unit.fresh

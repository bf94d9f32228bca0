"""How people name a machine: as the inventory does, or by the first digits of its ID."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from sshfleet.errors import UsageError

if TYPE_CHECKING:
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.machine import Fleet, Machine


def machines_called(fleet: "Fleet", state: "DesiredState", said: str) -> "list[Machine]":
    """Return the machine of that name, else all whose ID begins so; `3547a4df...` is a prefix."""
    exact = fleet.machine(said)
    if exact:
        return [exact]
    prefix = said.removesuffix("...").lower()
    names = {
        known.name for id_, known in state.machines.items() if prefix and id_.startswith(prefix)
    }
    return [one for one in fleet.machines if one.name in names]


def machine_called(fleet: "Fleet", state: "DesiredState", said: str) -> "Machine":
    """Return the one machine that is meant; raise UsageError when there is none or several."""
    found = machines_called(fleet, state, said)
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise UsageError(
            f"'{said}' fits several machines: {names}", hint="name one, or give more of its ID"
        )
    if not found:
        close = get_close_matches(said, [str(one.name) for one in fleet.machines], n=1)
        raise UsageError(
            f"no machine '{said}' in the inventory",
            hint=f"did you mean {close[0]}?" if close else "see sshfleet list-machines",
        )
    return found[0]

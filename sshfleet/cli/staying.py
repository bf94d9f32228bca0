"""What a machine that is drained or evicted still has, and why."""

import sys
from collections.abc import Iterable, Sequence

from sshfleet.cli.errors import say_error
from sshfleet.model.action import Remaining
from sshfleet.model.machine import MachineName
from sshfleet.model.unit import UnitName
from sshfleet.render.states import indented

_NOWHERE = (
    "change their [X-Fleet] rules or free a machine, then: sshfleet reconcile; "
    "or leave them there: sshfleet uncordon"
)


def say_remaining(remaining: Iterable[Remaining]) -> None:
    """Tell on stderr of units that can go nowhere: of each, what speaks against every machine."""
    machines: dict[MachineName, list[Remaining]] = {}
    for one in remaining:
        machines.setdefault(one.machine, []).append(one)
    for machine, found in machines.items():
        say_left(machine, [one.unit for one in found], "no other machine can take them")
        for one in found:
            sys.stderr.write(f"  {one.unit}\n")
            sys.stderr.write("".join(f"  {line}\n" for line in indented(one.reasons)))
        sys.stderr.write(f"hint: {_NOWHERE} {machine}\n")


def say_left(machine: MachineName, units: Sequence[UnitName], why: str, hint: str = "") -> None:
    """Tell on stderr which units a machine still has, and why."""
    count = "1 unit" if len(units) == 1 else f"{len(units)} units"
    say_error(f"{machine} still has {count}: {', '.join(sorted(units))}, because {why}", hint)

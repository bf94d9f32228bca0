"""Which keys of [X-Fleet] exclude each other (fleet's list, in fleet's order).

Rule 1: the error names both keys as the file spells them and shows the line of the second.
"""

from collections.abc import Mapping
from typing import NoReturn

from sshfleet.errors import UnitFileError
from sshfleet.model.machine import FailoverMode, HandOver
from sshfleet.model.requirements import Requirements
from sshfleet.unitfile import glob
from sshfleet.unitfile.keys import Key
from sshfleet.unitfile.values import Value

_EXCLUDED = (
    (Key.MACHINE_ID, Key.MACHINE_OF, "the peers decide where a unit runs, or its MachineID does"),
    (Key.MACHINE_ID, Key.CONFLICTS, "a unit tied to one machine cannot give way to others"),
    (Key.MACHINE_ID, Key.GLOBAL, "a global unit runs on every machine"),
    (Key.MACHINE_ID, Key.REPLACES, "a unit tied to one machine cannot push others away"),
    (Key.GLOBAL, Key.MACHINE_OF, "a global unit runs on every machine"),
    (Key.GLOBAL, Key.REPLACES, "a global unit would push the others off every machine"),
    (Key.CONFLICTS, Key.REPLACES, "a unit gives way to others or pushes them away, not both"),
)
_NEVER_TWICE = "a leased unit never runs twice, not even while it moves"
_NOWHERE_ELSE = "a global unit is on every machine already and never moved"


def check_combinations(asked: Mapping[Key, tuple[Value, ...]], found: Requirements) -> None:
    """Raise UnitFileError for the first pair of rules that cannot both hold."""
    for key in (Key.CONFLICTS, Key.REPLACES):
        _check_peers(asked[Key.MACHINE_OF], asked[key])
    for one, other, reason in _EXCLUDED:
        if Key.GLOBAL in (one, other) and not found.is_global:
            continue
        if asked[one] and asked[other]:
            _refuse(asked[one][0], asked[other][0], reason)
    if found.is_global and found.failover not in (None, FailoverMode.MANUAL):
        mode = f"Failover={found.failover}"
        _refuse(asked[Key.GLOBAL][-1], asked[Key.FAILOVER][-1], _NOWHERE_ELSE, second_shown=mode)
    if found.hand_over is HandOver.START_FIRST and found.failover is FailoverMode.LEASE:
        mode, shown = f"Failover={found.failover}", f"HandOver={found.hand_over}"
        pair = asked[Key.FAILOVER][-1], asked[Key.HAND_OVER][-1]
        _refuse(*pair, _NEVER_TWICE, first_shown=mode, second_shown=shown)


def _refuse(
    first: Value, second: Value, reason: str, *, first_shown: str = "", second_shown: str = ""
) -> NoReturn:
    one, other = first_shown or first.spelling, second_shown or second.spelling
    raise UnitFileError(
        f"{other} cannot be used together with {one}",
        hint=f"remove one of them: {reason}",
        place=second.place,
    )


def _check_peers(peers: tuple[Value, ...], globs: tuple[Value, ...]) -> None:
    """A peer must be on the machine, so no glob may keep it away from there."""
    for pattern in globs:
        for peer in peers:
            if peer.late or pattern.late or not glob.matches(pattern.text, peer.text):
                continue
            pattern.wrong(
                f"'{pattern.text}' matches {peer.text}, which {peer.spelling} asks for",
                "a unit cannot share a machine with a peer and also keep it away",
            )

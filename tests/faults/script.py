"""The script that is swept: verbs, the state each begins in and the one it ends in.

It is a ring: the end of the last is the beginning of the first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sshfleet.model.event import TargetState
from tests.faults.fleet import NAMES, WITNESSES, Fleet, State, Wanted

OLD, NEW = "old", "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One command: `before` and `after` are what the journal says of all units.

    `ready` makes the state before it from the one the verb before it left; `starts` names what
    must have been started exactly once when it has happened, `restarts` what must have been started
    if it was acknowledged.
    """

    name: str
    words: tuple[str, ...]
    before: State
    after: State
    ready: Callable[[Fleet], None] = lambda _fleet: None
    starts: frozenset[str] = frozenset()
    restarts: frozenset[str] = frozenset()


def _all(target: TargetState, version: str) -> State:
    return {name: Wanted(target, version) for name in NAMES}


def _once(version: str) -> frozenset[str]:
    return frozenset(f"{name} {version}" for name in WITNESSES)


def _drift(fleet: Fleet) -> None:
    """Change by hand what hands can change, but start nothing twice."""
    for machine in fleet.lab.machines:
        fleet.lab.run(machine.name, "sh", "-c", DRIFT)


# Not every machine has each of them.
DRIFT = """
systemctl stop solo.service right.service agent.service
cd /etc/sshfleet/units
for one in follower.service worker@1.service; do [ ! -f $one ] || echo "# mine" >>$one; done
rm -f left.service ../records/right.service /etc/systemd/system/sshfleet.target.wants/agent.service
systemctl daemon-reload
"""

NOTHING: State = {}
INACTIVE, INACTIVE_NEW = (_all(TargetState.INACTIVE, version) for version in (OLD, NEW))
LOADED, LOADED_NEW = (_all(TargetState.LOADED, version) for version in (OLD, NEW))
LAUNCHED, LAUNCHED_NEW = (_all(TargetState.LAUNCHED, version) for version in (OLD, NEW))


def _launched_again(fleet: Fleet) -> None:
    fleet.user.gets("start", *NAMES)


RING = (
    Verb(
        name="submit",
        words=("submit", *NAMES),
        before=NOTHING,
        after=INACTIVE,
        ready=lambda fleet: fleet.write_units(OLD),
    ),
    Verb(name="load", words=("load", *NAMES), before=INACTIVE, after=LOADED),
    Verb(
        name="start",
        words=("start", *NAMES),
        before=LOADED,
        after=LAUNCHED,
        starts=_once(OLD),
    ),
    Verb(
        name="start --replace",
        words=("start", "--replace", *NAMES),
        before=LAUNCHED,
        after=LAUNCHED_NEW,
        ready=lambda fleet: fleet.write_units(NEW),
        starts=_once(NEW),
    ),
    Verb(
        name="restart",
        words=("restart", *NAMES),
        before=LAUNCHED_NEW,
        after=LAUNCHED_NEW,
        restarts=_once(NEW),
    ),
    Verb(
        name="reconcile",
        words=("reconcile",),
        before=LAUNCHED_NEW,
        after=LAUNCHED_NEW,
        ready=_drift,
    ),
    Verb(name="stop", words=("stop", *NAMES), before=LAUNCHED_NEW, after=LOADED_NEW),
    Verb(name="unload", words=("unload", *NAMES), before=LOADED_NEW, after=INACTIVE_NEW),
    Verb(
        name="destroy",
        words=("destroy", *NAMES),
        before=LAUNCHED_NEW,
        after=NOTHING,
        ready=_launched_again,
    ),
)

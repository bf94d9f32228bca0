"""Reconcile: placed desired state vs what was seen → actions, each with its reason.

Rule 1: only units of the scope, and only machines that were given a copy (holders).
Rule 2: a machine that did not answer gets no action and proves nothing.
Rule 3: a unit starts on a machine only when no other machine can still be running it.
Rule 4: a unit comes to a machine only when what it replaces or conflicts with has left it.
Rule 5: what was tried in this run and did not help is a problem, not a new try.
"""

from dataclasses import dataclass, field

from sshfleet.model.action import Action, Notice, Plan, Problem, Verb, Waiting
from sshfleet.model.desired import DesiredUnit
from sshfleet.model.event import (
    CopyFound,
    CopyGuarded,
    CopyUnguarded,
    Event,
    TargetState,
    UnitRemoved,
)
from sshfleet.model.health import Health, Verdict, is_flapping, judge
from sshfleet.model.machine import DriftPolicy, MachineId, MachineName
from sshfleet.model.observed import Reached, UnitState
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan import drift
from sshfleet.plan.copy import Copy, action_for, not_ours, why_install, why_renew
from sshfleet.plan.draining import Emptying
from sshfleet.plan.leftovers import Leftovers
from sshfleet.plan.mode import mode_of, why_not_leased
from sshfleet.plan.world import World

AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What this run was asked for, beyond the desired state.

    `insist`: units the user named with start, restart or stop: a failed one is started again, one
    that systemd started is stopped.
    `tried`: what was already carried out in this run, with the machine's words when it failed.
    `moved`: units beyond the scope that this run gave another machine, or took one from.
    `drain`: how far it is with machines that are drained; None when it leaves them as they are.
    """

    insist: frozenset[UnitName] = frozenset()
    tried: dict[tuple[MachineName, UnitName, Verb], str] = field(default_factory=dict)
    moved: set[UnitName] = field(default_factory=set)
    drain: Emptying | None = None


@dataclass(slots=True)
class Draft:
    """A plan while it is made; `clearing` are copies beyond the scope that must leave for it."""

    leftovers: Leftovers
    renewed: frozenset[MachineId] = frozenset()
    policy: DriftPolicy = DriftPolicy.ENFORCE
    clearing: dict[tuple[UnitName, MachineId], Copy] = field(default_factory=dict)
    decisions: list[Event] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    away: list[Waiting] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left: list[Action] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def reconcile(world: World, scope: frozenset[UnitName], asked: Asked) -> Plan:
    """Compare and plan; the scheduler's decisions must already be folded into `world.desired`."""
    seen = world.identified()
    draft = Draft(Leftovers(world, seen), world.renewed, world.fleet.drift)
    for name in sorted(scope & world.desired.units.keys()):
        _unit(draft, world, seen, world.desired.units[name], asked)
    for _, copy in sorted(draft.clearing.items()):
        if copy.unit.name not in scope:
            _leftover(draft, copy, asked)
    return Plan(
        decisions=tuple(draft.decisions),
        actions=tuple(sorted(draft.actions, key=Action.order)),
        waiting=tuple(draft.waiting),
        away=tuple(draft.away),
        problems=tuple(draft.problems),
        left=tuple(draft.left),
        notices=tuple(draft.notices),
    )


def _unit(
    draft: Draft,
    world: World,
    seen: dict[MachineId, tuple[MachineName, Reached]],
    unit: DesiredUnit,
    asked: Asked,
) -> None:
    text = world.units[unit.name]
    copies, away = [], False
    mode = mode_of(text, world.fleet.failover)
    _refuse_lease(draft, world, unit, text)
    for machine in sorted(unit.holders | unit.placements):
        if machine in seen:
            name, report = seen[machine]
            copies.append(Copy(unit, text, machine, name, report.units.get(unit.name), mode))
        elif machine not in unit.given_up:
            label = world.last_name_of(machine)
            draft.away.append(Waiting(unit.name, label, world.why_away(label)))
            away = away or machine in unit.holders
    rival = _rivals(copies, away=away)
    for copy in copies:
        if copy.id in unit.placements:
            _placed(draft, copy, asked, rival, world.desired.lineage)
        else:
            _leftover(draft, copy, asked)


def _refuse_lease(draft: Draft, world: World, unit: DesiredUnit, text: Unit) -> None:
    """Tell of a unit that is to run under a lease and cannot: it stays where it is instead."""
    why = why_not_leased(text, world.fleet.failover)
    for machine in sorted(unit.placements) if why else ():
        words = f"cannot run under a lease, and does not fail over: {why}"
        draft.problems.append(Problem(unit.name, world.last_name_of(machine), words))


def _rivals(copies: list[Copy], *, away: bool) -> str:
    """Say why a unit that may run only once must not start yet."""
    for copy in copies:
        if copy.id not in copy.unit.placements and copy.state and not copy.state.at_rest:
            return f"it still runs on {copy.machine}"
    return AWAY if away else ""


def _leftover(draft: Draft, copy: Copy, asked: Asked) -> None:
    if copy.present and copy.id in copy.unit.given_up:
        draft.decisions.append(CopyFound(copy.unit.name, copy.id))
    if not copy.present:
        draft.decisions.append(UnitRemoved(copy.unit.name, copy.id))
    elif copy.state and copy.state.active == "deactivating":
        draft.waiting.append(Waiting(copy.unit.name, copy.machine, "stopping"))
    else:
        _act(draft, copy, asked, Verb.REMOVE, _why_leftover(copy.unit))


def _why_leftover(unit: DesiredUnit) -> str:
    if unit.target is TargetState.ABSENT:
        return "destroyed"
    return "moved to another machine" if unit.target.on_machine else "unloaded"


def _placed(draft: Draft, copy: Copy, asked: Asked, rival: str, lineage: str) -> None:
    foreign = not_ours(copy, lineage)
    if foreign:
        draft.problems.append(Problem(copy.unit.name, copy.machine, foreign))
        return
    if _must_wait(draft, copy, asked):
        return
    _note_guard(draft, copy)
    # Once it is linked there, a power cut would start it beside the other copy.
    comes_to_run = copy.unit.target is TargetState.LAUNCHED and not copy.present
    if comes_to_run and _must_wait_for(draft, copy, rival):
        return
    if not _in_place(draft, copy, asked, why_install(copy, lineage)):
        return
    if copy.unit.target is TargetState.LAUNCHED:
        _launch(draft, copy, asked, rival)
    elif copy.state and not copy.state.at_rest:
        _stop(draft, copy, copy.state, asked)


def _in_place(draft: Draft, copy: Copy, asked: Asked, install: str) -> bool:
    """See to file, record and links; False when nothing more is to be done before they are so."""
    draft.notices += drift.notices(copy)
    left = drift.left(copy, draft.policy, named=_is_named(copy, asked))
    if left is None:
        return not install or _act(draft, copy, asked, Verb.INSTALL, install)
    draft.problems.append(left)
    if install:
        draft.left.append(action_for(copy, Verb.INSTALL, install))
    return copy.unit.target is not TargetState.LAUNCHED or drift.can_run(copy)


def _is_named(copy: Copy, asked: Asked) -> bool:
    return copy.unit.name in asked.insist or copy.unit.name in asked.moved


def _note_guard(draft: Draft, copy: Copy) -> None:
    """Remember whether what the machine has, or is about to get, can run without a lease."""
    guard, noted = copy.guard, copy.id in copy.unit.guarded
    if noted and not guard:
        draft.decisions.append(CopyUnguarded(copy.unit.name, copy.id))
    elif guard and not noted and copy.guarded and copy.id in draft.renewed:
        draft.decisions.append(CopyGuarded(copy.unit.name, copy.id))


def _must_wait(draft: Draft, copy: Copy, asked: Asked) -> bool:
    """Let a copy wait for those that have to leave the machine before it comes."""
    in_the_way = draft.leftovers.in_the_way(copy)
    for left in in_the_way:
        draft.clearing[left.unit.name, left.id] = left
    for left in in_the_way:
        why = f"{left.unit.name} has to leave first"
        if _key(left, Verb.REMOVE) in asked.tried:
            draft.problems.append(Problem(copy.unit.name, copy.machine, why))
        else:
            draft.waiting.append(Waiting(copy.unit.name, copy.machine, why))
        return True
    return False


def _stop(draft: Draft, copy: Copy, state: UnitState, asked: Asked) -> None:
    if _runs_by_right(copy, state, asked):
        return
    if state.active == "deactivating" or state.job:
        draft.waiting.append(Waiting(copy.unit.name, copy.machine, "stopping"))
    else:
        _act(draft, copy, asked, Verb.STOP, "is to be loaded, not running")


def _runs_by_right(copy: Copy, state: UnitState, asked: Asked) -> bool:
    """Tell whether systemd started a loaded unit: for a timer, a socket, a path or another unit.

    Its record says loaded only once it was stopped as such; what runs since is systemd's doing.
    """
    if state.active == "deactivating" or not state.record:
        return False
    stopped = asked.tried.get(_key(copy, Verb.STOP)) == ""
    return state.record.target == TargetState.LOADED and (
        stopped or copy.unit.name not in asked.insist
    )


def _launch(draft: Draft, copy: Copy, asked: Asked, rival: str) -> None:
    if copy.state is None or not copy.state.sha256:
        # What runs from a file of ours that is gone runs on; what never was ours is started.
        if copy.state is None or copy.state.at_rest or not copy.state.record:
            _start(draft, copy, asked, rival, "is to run")
        return
    verdict = judge(copy.state, TargetState.LAUNCHED)
    if _renew(draft, copy, asked, rival, verdict):
        return
    if verdict.health is Health.PENDING:
        draft.waiting.append(Waiting(copy.unit.name, copy.machine, verdict.words))
    elif not _is_named(copy, asked) and (left := drift.left_stopped(copy, draft.policy)):
        draft.problems.append(left)
    elif verdict.health is Health.FAILED and (why := _why_start(copy, copy.state, asked)):
        _start(draft, copy, asked, rival, why)
    elif verdict.health is Health.FAILED:
        words = asked.tried.get(_key(copy, Verb.START)) or verdict.words
        draft.problems.append(Problem(copy.unit.name, copy.machine, words))


def _renew(draft: Draft, copy: Copy, asked: Asked, rival: str, verdict: Verdict) -> bool:
    """Let a unit run anew that is to; False when nothing more can be done for that in this run."""
    why = why_renew(copy, verdict.health)
    if not why:
        return False
    at_rest = copy.state is None or copy.state.at_rest
    verb = Verb.START if at_rest else Verb.RESTART
    tried = _key(copy, verb) in asked.tried
    if tried and (at_rest or verdict.health is not Health.OK):
        return False
    if at_rest:
        _start(draft, copy, asked, rival, why)
    else:
        _act(draft, copy, asked, Verb.RESTART, why)
    return True


def _why_start(copy: Copy, state: UnitState, asked: Asked) -> str:
    """Say why a unit that does not run is to be started; nothing when its end is left as it is.

    A unit that failed stays failed until the user names it: restarting is systemd's (Restart=).
    """
    if _key(copy, Verb.START) in asked.tried:
        return ""
    if state.active == "failed" or is_flapping(state):
        return "was asked for" if copy.unit.name in asked.insist else ""
    ran = state.invocation or state.runtime  # linked in /run, systemd forgets it when it ends
    return "does not run" if ran else "has not run since the machine booted"


def _start(draft: Draft, copy: Copy, asked: Asked, rival: str, reason: str) -> None:
    if not _must_wait_for(draft, copy, rival):
        _act(draft, copy, asked, Verb.START, reason)


def _must_wait_for(draft: Draft, copy: Copy, rival: str) -> bool:
    """Let a unit that may run only once wait while another copy of it may run."""
    if not rival or copy.text.requirements.is_global:
        return False
    if rival != AWAY:  # else the machine that may still run it is told under `away`
        draft.waiting.append(Waiting(copy.unit.name, copy.machine, rival))
    return True


def _key(copy: Copy, verb: Verb) -> tuple[MachineName, UnitName, Verb]:
    return (copy.machine, copy.unit.name, verb)


def _act(draft: Draft, copy: Copy, asked: Asked, verb: Verb, reason: str) -> bool:
    """Plan an action, or tell of a problem when it was tried in this run already."""
    key = _key(copy, verb)
    if key in asked.tried:
        words = asked.tried[key] or f"{reason}, although sshfleet has just seen to it"
        draft.problems.append(Problem(copy.unit.name, copy.machine, words))
        return False
    draft.actions.append(action_for(copy, verb, reason))
    return True

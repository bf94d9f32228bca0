"""Carry out one wave: each machine gets its actions in one transaction, all machines at once.

Rule 1: texts are on the machine, complete and checked by hash, before the transaction names them.
Rule 2: what came of it is what was observed afterwards; the words of systemctl only explain it.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field

from sshfleet.exchange import exchange
from sshfleet.model.action import Action, Verb
from sshfleet.model.machine import Fleet, Machine, MachineName
from sshfleet.model.observed import Observed, Reached, Report, Trouble, Unreachable
from sshfleet.model.owner import Claim
from sshfleet.model.unit import UnitName
from sshfleet.stop import Stop
from sshfleet.systemd.reply import Outcome, Reply
from sshfleet.systemd.transaction import Transaction, uploads_needed
from sshfleet.transport.base import Transport

_ABANDONED = Unreachable(
    trouble=Trouble.HUNG, detail="it had not answered when this command was stopped"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One step of a run: `watch` names the units of each machine to wait for, at most `patience`
    seconds; `texts` maps SHA-256 to unit text; `claims` go to the machines that are changed."""

    actions: tuple[Action, ...]
    watch: Mapping[MachineName, frozenset[UnitName]]
    texts: Mapping[str, str]
    lineage: str
    patience: float
    settle: float = 0.5
    claims: Mapping[MachineName, Claim] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """An action and its outcome; None when the connection was lost and nobody knows.

    `was` and `became` are the unit's ActiveState there before and after; empty: none, not known, or
    not what the action is about.
    `ms` is how long its machine's transaction took, uploads included.
    """

    action: Action
    outcome: Outcome | None
    was: str = ""
    became: str = ""
    ms: int = 0

    @property
    def result(self) -> str:
        """Say in one word what came of it: done, failed or unknown."""
        if self.outcome is None:
            return "unknown"
        died = self.action.verb in (Verb.START, Verb.RESTART) and self.became == "failed"
        return "done" if self.outcome.ok and not died else "failed"


@dataclass(frozen=True, slots=True)
class Carried:
    """What a wave brought: how the machines are now, and how each action ended."""

    observed: Observed
    ended: tuple[Ended, ...]


async def apply(
    transport: Transport, fleet: Fleet, seen: Observed, wave: Wave, stop: Stop
) -> Carried:
    """Carry out a wave on all machines it concerns; after a stop, who is late is given up."""
    orders: dict[MachineName, list[Action]] = {}
    for action in wave.actions:
        orders.setdefault(action.machine, []).append(action)
    names = sorted(orders.keys() | wave.watch.keys() | wave.claims.keys())
    machines = [machine for name in names if (machine := fleet.machine(name))]
    journeys = [
        _machine(transport, one, seen, wave, tuple(orders.get(one.name, ()))) for one in machines
    ]
    replies = await asyncio.gather(*(_timed(stop.within(one, _ABANDONED)) for one in journeys))
    reports: dict[MachineName, Reached | Unreachable] = {}
    ended: list[Ended] = []
    for machine, (reply, ms) in zip(machines, replies, strict=True):
        reports[machine.name] = reply if isinstance(reply, Unreachable) else reply.report
        before = seen.reports.get(machine.name)
        ended.extend(_ended(orders.get(machine.name, []), before, reply, ms))
    return Carried(Observed(reports), tuple(ended))


def _ended(
    actions: list[Action], before: Report | None, reply: Reply | Unreachable, ms: int
) -> Iterator[Ended]:
    answer = reply if isinstance(reply, Reply) else None
    by_key = {(one.verb, one.unit): one for one in answer.outcomes} if answer else {}
    for action in actions:
        outcome = by_key.get((action.verb, action.unit))
        if action.verb is Verb.INSTALL:  # which changes files, not what the unit does
            yield Ended(action, outcome, ms=ms)
            continue
        became = _active(answer.report, action.unit) if answer else ""
        yield Ended(action, outcome, was=_active(before, action.unit), became=became, ms=ms)


def _active(report: Report | None, unit: UnitName) -> str:
    state = report.units.get(unit) if isinstance(report, Reached) else None
    return state.active if state else ""


async def _timed(
    work: Coroutine[None, None, Reply | Unreachable],
) -> tuple[Reply | Unreachable, int]:
    """Let a machine's part be carried out, and tell how many milliseconds that took."""
    clock = asyncio.get_running_loop().time
    began = clock()
    reply = await work
    return reply, round((clock() - began) * 1000)


async def _machine(
    transport: Transport,
    machine: Machine,
    seen: Observed,
    wave: Wave,
    actions: tuple[Action, ...],
) -> Reply | Unreachable:
    report = seen.reports.get(machine.name)
    needed = uploads_needed(actions, report if isinstance(report, Reached) else None)
    files = {sha256: wave.texts[sha256].encode() for sha256 in sorted(needed)}
    transaction = Transaction(
        actions=actions,
        watch=tuple(sorted(wave.watch.get(machine.name, frozenset()))),
        patience=wave.patience,
        settle=wave.settle,
        lineage=wave.lineage,
        claim=wave.claims.get(machine.name),
    )
    return await exchange(transport, machine, transaction, files)

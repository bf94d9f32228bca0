"""Make machines, and the units on them, this journal's: look, read the texts, decide, append, mark.

Rule 1: nothing is written before the caller has agreed to what was found (`Survey`).
Rule 2: the journal knows first. A machine that cannot be marked then is marked by the next command
that changes it: until then the journal that had it may go on there.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sshfleet.apply import Wave, apply
from sshfleet.contact import newly_seen
from sshfleet.memory import Memory
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.machine import Fleet, Machine, MachineName
from sshfleet.model.observed import Observed, Reached, Report, Trouble, Unreachable
from sshfleet.model.owner import Owner, Signature
from sshfleet.observe import observe
from sshfleet.ownership import claim_on, marks_due, strangers
from sshfleet.plan.adoption import Adoption, Held, adoption, by_unit
from sshfleet.stop import Stop
from sshfleet.systemd.fetch import fetch, texts_in
from sshfleet.transport.base import Transport, TransportError


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found: `owners` are the machines to be adopted, with whose they are so far."""

    observed: Observed
    owners: Mapping[MachineName, Owner | None]
    adoption: Adoption

    def silent(self) -> dict[MachineName, Unreachable]:
        """Return the machines that could not be asked: what they hold stays unknown."""
        reports = self.observed.reports.items()
        return {name: report for name, report in reports if isinstance(report, Unreachable)}


async def survey(
    transport: Transport, fleet: Fleet, state: DesiredState, only: Iterable[Machine]
) -> Survey:
    """Look at machines and read what this journal would have to know of them."""
    observed = await observe(transport, only)
    owners = _adoptable(state, observed)
    reached = observed.reached()
    copies = [
        Held(unit, name, reached[name].machine, found)
        for name in owners
        for unit, found in reached[name].units.items()
        if found.sha256
    ]
    texts = await _texts(transport, fleet, copies)
    stale = _is_stale(state, dict(strangers(state, observed)).values())
    doubtful = frozenset(reached[name].machine for name in (reached if stale else owners))
    seen = fold(state, newly_seen(fleet, state, observed))
    return Survey(
        observed=observed,
        owners=owners,
        adoption=adoption(seen, copies, texts, doubtful),
    )


def _adoptable(state: DesiredState, observed: Observed) -> dict[MachineName, Owner | None]:
    """Return the machines of other journals, and those that hold what this one does not know.

    For a stale journal that is every machine that holds something: its word counts nowhere.
    """
    others = dict(strangers(state, observed))
    stale = _is_stale(state, others.values())
    return {
        name: report.owner
        for name, report in sorted(observed.reached().items())
        if name in others or any(stale or unknown for unknown in _are_unknown(state, report))
    }


def _is_stale(state: DesiredState, owners: Iterable[Owner | None]) -> bool:
    return any(owner and owner.lineage == state.lineage for owner in owners)


def _are_unknown(state: DesiredState, report: Reached) -> Iterator[bool]:
    """Tell of each unit that a machine holds whether the journal does not know of that."""
    for name, found in report.units.items():
        if found.sha256:
            unit = state.units.get(name)
            yield unit is None or report.machine not in unit.holders


async def _texts(transport: Transport, fleet: Fleet, copies: Iterable[Held]) -> dict[str, str]:
    wanted: dict[MachineName, list[Held]] = {}
    for found in by_unit(copies).values():
        wanted.setdefault(found[0].machine, []).append(found[0])
    machines = [machine for name in wanted if (machine := fleet.machine(name))]
    fetched = await asyncio.gather(
        *(_fetched(transport, machine, wanted[machine.name]) for machine in machines)
    )
    return {sha256: text for texts in fetched for sha256, text in texts.items()}


async def _fetched(
    transport: Transport, machine: Machine, copies: Iterable[Held]
) -> dict[str, str]:
    states = [copy.state for copy in copies]
    try:
        return texts_in(await transport.run(machine, fetch(states)), states)
    except TransportError:
        return {}


async def take(
    transport: Transport, fleet: Fleet, journal: Memory, found: Survey, signature: Signature
) -> dict[MachineName, Unreachable]:
    """Write what was found to the journal, then mark the machines; return those that were not.

    Raises JournalError, and nothing was done.
    """
    state, reached = journal.state, found.observed.reached()
    ids = {name: reached[name].machine for name in found.owners}
    mark = f"{state.next_mark()}-{secrets.token_hex(8)}"
    seen = tuple(newly_seen(fleet, state, found.observed))
    known = fold(state, seen)
    marks = marks_due(known, found.observed, ids.values(), mark)
    journal.append((*seen, *found.adoption.events, *marks))
    owner = Owner.signed(journal.state.lineage, mark, signature)
    wave = Wave(
        actions=(),
        watch={},
        texts={},
        lineage=owner.lineage,
        patience=0.0,
        settle=0.0,
        claims={
            name: claim_on(journal.state, found.observed, id_, owner) for name, id_ in ids.items()
        },
    )
    carried = await apply(transport, fleet, found.observed, wave, Stop())
    reports = carried.observed.reports.items()
    return {name: missed for name, report in reports if (missed := _missed(report, mark))}


def _missed(report: Report, mark: str) -> Unreachable | None:
    """Say why a machine does not bear our mark; nothing when it does, or holds nothing any more."""
    if isinstance(report, Unreachable):
        return report
    if report.owner and report.owner.mark != mark:
        return Unreachable(trouble=Trouble.OWNED, detail="it was changed meanwhile")
    return None

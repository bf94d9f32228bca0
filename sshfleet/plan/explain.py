"""Explain: each machine judged by each rule, and which rules are in the way.

Rule 1: the judges are the scheduler's own, on the scheduler's own board, and the verdict is what
the scheduler decides.
Rule 2: no short cut: every rule is asked about every machine, also where another said no.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from sshfleet.model.event import UnitPlaced, UnitUnplaced
from sshfleet.model.explanation import Explanation, Judged, Miss, Step
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName, is_template
from sshfleet.plan import feasibility as rule
from sshfleet.plan.board import Tenant
from sshfleet.plan.draft import Draft
from sshfleet.plan.dropping import Drop, droppable, spelled
from sshfleet.plan.pushing import would_push_off
from sshfleet.plan.roster import Candidate
from sshfleet.plan.scheduler import schedule
from sshfleet.plan.settling import with_peers
from sshfleet.plan.world import World

# Every rule by the word that stands for it in tables and documents, in the order of the judge.
RULES: dict[str, rule.Rule] = {
    "ready": rule.machine_can_be_used,
    "open": rule.machine_is_open,
    "id": rule.machine_id_is_the_one,
    "metadata": rule.metadata_fits,
    "peers": rule.peers_are_here,
    "conflicts": rule.nothing_conflicts,
    "replaced": rule.nothing_replaces_it,
    "circle": rule.replaces_in_no_circle,
    "name": rule.name_is_free,
    "copies": rule.runs_nowhere_else,
}
PUSHES = "replaces"
MOST_PAIRS = 50  # each is a board of its own


def explain(world: World, name: UnitName) -> Explanation:
    """Explain where a unit may be; it must be one that belongs on a machine."""
    case = _case(world, name)
    decided = schedule(world, frozenset({name, *case.beside}))
    unit = world.units[name]
    found = Explanation(
        unit=name,
        is_global=unit.requirements.is_global,
        asked=tuple(spelled(unit.requirements)),
        beside=case.beside,
        places=tuple(sorted(case.places)),
        machines=tuple(_judged(case, candidate) for candidate in case.candidates),
        comes=tuple(_steps(case, decided.events, UnitPlaced)),
        leaves=tuple(_steps(case, decided.events, UnitUnplaced)),
        pushes_off=tuple(_others_leaving(case, decided.events)),
        misses=(),
    )
    return found if found.runs_somewhere else replace(found, misses=tuple(_misses(world, case)))


@dataclass(frozen=True, slots=True)
class _Case:
    """The board without the unit, and the unit with the homeless ones that it needs beside it."""

    name: UnitName
    draft: Draft
    group: tuple[Tenant, ...]
    places: frozenset[MachineId]

    @property
    def beside(self) -> tuple[UnitName, ...]:
        return tuple(each.name for each in self.group if each.name != self.name)

    @property
    def candidates(self) -> Sequence[Candidate]:
        return self.draft.board.roster.candidates


def _case(world: World, name: UnitName) -> _Case:
    draft = Draft(world, frozenset({name}))
    places = draft.board.places(name)
    for machine in places:
        draft.board.take(name, machine)
    homeless = [] if places else _homeless(draft)
    new = {one: draft.newcomer(one) for one in homeless}
    group = with_peers(draft.newcomer(name), new, frozenset())
    return _Case(name, draft, tuple(group), places)


def _homeless(draft: Draft) -> list[UnitName]:
    return [
        name
        for name, tenant in draft.tenants.items()
        if not draft.board.places(name) and not is_template(name) and not tenant.unread
    ]


def _judged(case: _Case, candidate: Candidate) -> Judged:
    return Judged(
        machine=candidate.name,
        machine_id=candidate.id,
        units=case.draft.board.load(candidate.id) if candidate.id else 0,
        here=bool(candidate.id) and candidate.id in case.places,
        rules=_reasons(case, candidate),
    )


def _reasons(case: _Case, candidate: Candidate) -> dict[str, tuple[str, ...]]:
    """Ask every rule about every unit of the group, with all of them put on the machine."""
    draft = case.draft
    mark = draft.board.mark()
    for each in case.group:
        draft.put(each, candidate.id, "")
    reasons = {
        word: tuple(
            reason if each.name == case.name else f"{reason} (of {each.name})"
            for each in case.group
            for reason in judge(each, candidate, draft.board)
        )
        for word, judge in RULES.items()
    }
    draft.board.rewind(mark)
    pushes = any(each.rules.replaces for each in case.group)
    judged = pushes and not any(reasons.values())  # only who may come pushes anybody off
    return {**reasons, PUSHES: would_push_off(draft, case.group, candidate) if judged else ()}


def _steps(
    case: _Case,
    events: Iterable[UnitPlaced | UnitUnplaced],
    kind: type[UnitPlaced | UnitUnplaced],
) -> Iterator[Step]:
    for event in events:
        if event.unit == case.name and isinstance(event, kind):
            called = MachineName(case.draft.board.roster.called(event.machine))
            yield Step(called, event.machine, event.reason)


def _others_leaving(case: _Case, events: Iterable[UnitPlaced | UnitUnplaced]) -> Iterator[UnitName]:
    together = {each.name for each in case.group}
    left = (event.unit for event in events if isinstance(event, UnitUnplaced))
    yield from (unit for unit in dict.fromkeys(left) if unit not in together)


def _misses(world: World, case: _Case) -> Iterator[Miss]:
    """Leave out each rule alone, and only where none of them helps two at a time."""
    drops = droppable(case.draft, case.group, case.name)
    alone = [(drop,) for drop in drops]
    found = [miss for one in alone if (miss := _without(world, case.name, one)).machines]
    if not found:
        pairs = list(combinations(drops, 2))[:MOST_PAIRS]
        found = [miss for two in pairs if (miss := _without(world, case.name, two)).machines]
    yield from sorted(found, key=lambda miss: (-len(miss.machines), miss.without))


def _without(world: World, name: UnitName, drops: Sequence[Drop]) -> Miss:
    units = dict(world.units)
    for drop in drops:
        units |= drop.applied(units)
    case = _case(replace(world, units=units), name)
    machines = [one.name for one in case.candidates if not any(_reasons(case, one).values())]
    return Miss(tuple(drop.label for drop in drops), tuple(machines))

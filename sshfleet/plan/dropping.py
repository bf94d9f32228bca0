"""Rules left out, one value at a time: of the unit itself, or of a unit that is in its way.

Rule 1: values of one metadata key are alternatives, so they are left out together.
Rule 2: a glob is left out wherever it stands: instances of one template share it, and each of them
speaks for both sides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.board import Clash, Tenant
from sshfleet.plan.draft import Draft

Change = Callable[[Requirements], Requirements]


@dataclass(frozen=True, slots=True)
class Drop:
    """One rule to leave out, as the unit files of `owners` have it; `own`: the unit is one."""

    text: str
    owners: tuple[UnitName, ...]
    change: Change
    own: bool

    @property
    def label(self) -> str:
        """Name the rule for people, and whose it is when it is not the unit's own."""
        if self.own:
            return self.text
        more = f" and {len(self.owners) - 1} more" if len(self.owners) > 1 else ""
        return f"{self.text} of {self.owners[0]}{more}"

    def applied(self, units: Mapping[UnitName, Unit]) -> dict[UnitName, Unit]:
        """Return the units that are changed by it, without the rule."""
        owned = {name: units[name] for name in self.owners}
        return {
            name: replace(unit, requirements=self.change(unit.requirements))
            for name, unit in owned.items()
        }


def spelled(rules: Requirements) -> Iterator[str]:
    """Yield each rule as a unit file has it; values of one metadata key together."""
    for label, _ in _own(rules):
        yield label
    if rules.is_global:
        yield "Global=true"


def droppable(draft: Draft, group: Iterable[Tenant], name: UnitName) -> list[Drop]:
    """List the rules that may be in the way of a group, those of the unit itself first."""
    group = sorted(group, key=lambda each: each.name != name)
    found: dict[str, Drop] = {}
    for tenant in group:
        for label, change in _own(tenant.rules):
            found.setdefault(label, Drop(label, (tenant.name,), change, tenant.name == name))
    for clash, key in _clashes(draft, group):
        label = f"{key}={clash.pattern}"
        known = found.get(label)
        if known is None:
            found[label] = Drop(label, (clash.owner,), _glob(clash.pattern), own=False)
        elif clash.owner not in known.owners:
            found[label] = replace(known, owners=(*known.owners, clash.owner))
    return list(found.values())


def _own(rules: Requirements) -> Iterator[tuple[str, Change]]:
    if rules.machine_id:
        yield f"MachineID={rules.machine_id}", lambda r: replace(r, machine_id="")
    for key in dict.fromkeys(key for key, _ in rules.metadata):
        values = [f"{key}={value}" for other, value in rules.metadata if other == key]
        yield "MachineMetadata=" + " or ".join(values), _metadata(key)
    for peer in rules.machine_of:
        yield f"MachineOf={peer}", _peer(peer)
    for pattern in rules.conflicts:
        yield f"Conflicts={pattern}", _glob(pattern)
    for pattern in rules.replaces:
        yield f"Replaces={pattern}", _glob(pattern)


def _metadata(key: str) -> Change:
    return lambda r: replace(r, metadata=tuple(pair for pair in r.metadata if pair[0] != key))


def _peer(peer: str) -> Change:
    return lambda r: replace(r, machine_of=tuple(one for one in r.machine_of if one != peer))


def _glob(pattern: str) -> Change:
    return lambda r: replace(
        r,
        conflicts=tuple(one for one in r.conflicts if one != pattern),
        replaces=tuple(one for one in r.replaces if one != pattern),
    )


def _clashes(draft: Draft, group: Iterable[Tenant]) -> Iterator[tuple[Clash, str]]:
    """Yield the globs of units on any machine that speak against the group there."""
    board = draft.board
    for tenant in group:
        for candidate in board.roster.candidates:
            for clash in board.clashes(tenant, candidate.id):
                yield from ((owner, "Conflicts") for owner in _owners(clash, tenant, draft))
            for clash in board.replacing(tenant, candidate.id):
                yield clash, "Replaces"


def _owners(clash: Clash, tenant: Tenant, draft: Draft) -> Iterator[Clash]:
    """Tell of both sides: where the unit has the glob itself, the other may have it too."""
    yield clash
    other = draft.tenants[clash.other]
    if clash.owner == tenant.name and clash.pattern in other.rules.conflicts:
        yield replace(clash, owner=other.name)

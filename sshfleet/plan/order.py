"""Groups of new units that MachineOf= ties together, and the order in which they choose.

Rule 1: units that need each other, be it along a chain or through a common peer, are one group. A
global peer ties nobody: it is on many machines.
Rule 2: a group comes after every global unit that one of it needs; otherwise the order is by the
first name of each group. Within a group peers come first.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sshfleet.model.unit import UnitName
from sshfleet.plan.board import Tenant

Peers = Mapping[UnitName, Sequence[UnitName]]
Group = tuple[Tenant, ...]


def groups(tenants: Iterable[Tenant]) -> list[Group]:
    """Part units into groups, in the order in which these are to choose a machine."""
    new = {tenant.name: tenant for tenant in tenants}
    peers = {name: _new_peers(tenant, new) for name, tenant in new.items()}
    mates = {
        name: [p for p in needed if not new[p].rules.is_global] for name, needed in peers.items()
    }
    parts = {min(part): part for part in _parts(mates)}
    globals_needed = {
        first: [peer for name in part for peer in peers[name] if new[peer].rules.is_global]
        for first, part in parts.items()
    }
    return [
        tuple(new[name] for name in peers_first({name: mates[name] for name in parts[first]}))
        for first in peers_first(globals_needed)
    ]


def _new_peers(tenant: Tenant, new: Mapping[UnitName, Tenant]) -> list[UnitName]:
    names = map(UnitName, tenant.rules.machine_of)
    return [name for name in names if name in new and name != tenant.name]


def _parts(mates: Peers) -> Iterator[list[UnitName]]:
    """Yield the names that hang together, whichever of two needs the other."""
    tied: dict[UnitName, list[UnitName]] = {name: list(needed) for name, needed in mates.items()}
    for name, needed in mates.items():
        for peer in needed:
            tied[peer].append(name)
    seen: set[UnitName] = set()
    for name in tied:
        if name not in seen:
            seen.add(name)
            part = [name]
            for one in part:  # it grows while it is walked
                fresh = [other for other in dict.fromkeys(tied[one]) if other not in seen]
                seen.update(fresh)
                part += fresh
            yield part


def peers_first(peers: Peers) -> list[UnitName]:
    """Sort units, given the new units that each of them needs; those of a circle come last."""
    followers: dict[UnitName, list[UnitName]] = {}
    open_peers = {unit: set(needed) for unit, needed in peers.items()}
    for unit, needed in open_peers.items():
        for peer in needed:
            followers.setdefault(peer, []).append(unit)
    ready = [unit for unit, needed in open_peers.items() if not needed]
    heapq.heapify(ready)
    ordered: list[UnitName] = []
    while ready:
        unit = heapq.heappop(ready)
        ordered.append(unit)
        for follower in followers.get(unit, ()):
            open_peers[follower].remove(unit)
            if not open_peers[follower]:
                heapq.heappush(ready, follower)
    return ordered + sorted(peers.keys() - set(ordered))

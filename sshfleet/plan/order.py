"""The order in which new units are placed: peers first, then by name.

Rule 1: a unit comes after every unit that its MachineOf= names, as far as those are new too.
Rule 2: units that need each other in a circle come last, and the circle is shown, not followed.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from sshfleet.model.unit import UnitName

Peers = Mapping[UnitName, Sequence[UnitName]]


def peers_first(peers: Peers) -> list[UnitName]:
    """Sort units, given the new units that each of them needs."""
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


def circles(peers: Peers) -> dict[UnitName, tuple[UnitName, ...]]:
    """Return for each unit of a circle the way round, from the unit and back to it."""
    found: dict[UnitName, tuple[UnitName, ...]] = {}
    for unit in sorted(peers):
        if unit not in found and peers[unit]:
            way = _way_round(unit, peers)
            for start in range(len(way) - 1):
                turned = (*way[start:-1], *way[: start + 1])
                found.setdefault(way[start], turned)
    return found


def _way_round(unit: UnitName, peers: Peers) -> tuple[UnitName, ...]:
    """Find the shortest way from a unit along its peers back to itself, or nothing."""
    came_from: dict[UnitName, UnitName] = {}
    queue = deque([unit])
    while queue:
        here = queue.popleft()
        for peer in sorted(peers.get(here, ())):
            if peer == unit:
                return (*reversed(list(_steps_back(here, unit, came_from))), unit)
            if peer not in came_from:
                came_from[peer] = here
                queue.append(peer)
    return ()


def _steps_back(
    last: UnitName, first: UnitName, came_from: Mapping[UnitName, UnitName]
) -> Iterable[UnitName]:
    while last != first:
        yield last
        last = came_from[last]
    yield first

"""How the work of the controller grows with the fleet: seconds of CPU from 100 to 10,000 machines.

    python -m bench.growth [--largest N]

Rule 1: CPU time, not wall time, and the median of three: other programs may run beside it.
Rule 2: each time is that of work on fresh data, on which nothing was derived or kept yet, but for
texts that were read: those are read once in a run.
"""

import argparse
import gc
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from bench.big_fleet import BigFleet
from bench.one_reply import NONCE, reply_of
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import LeasesPromised, MachineSeen, TargetSet, TargetState
from sshfleet.model.unit import UnitName
from sshfleet.plan.draining import Emptying
from sshfleet.plan.leases import leased
from sshfleet.plan.planner import make_plan
from sshfleet.plan.reach import may_get_a_machine
from sshfleet.plan.reconcile import Asked
from sshfleet.plan.world import World
from sshfleet.render.fields import chosen
from sshfleet.render.listing import listing
from sshfleet.render.rows import View, file_rows, machine_rows, unit_rows
from sshfleet.render.tables import table
from sshfleet.systemd.reply import parse_reply
from sshfleet.unitfile.registered import Registered

SIZES = (100, 300, 1000, 3000, 10000)
STEEP = 1.2  # n log n has an exponent of 1.1 at these sizes
PATIENCE = 60.0  # seconds for one step
RUNS = 3

Work = Callable[[], object]
Step = Callable[[BigFleet], Work]
"""Makes ready what is not to be measured, and returns the work that is."""

Rows = Callable[[View, BigFleet], Sequence[dict[str, str]]]


def _planned(world: World) -> Work:
    return partial(make_plan, world, frozenset(world.desired.units), Asked(drain=Emptying()))


def _read(big: BigFleet) -> Work:
    units = Registered(big.desired, {})
    return lambda: [units[name] for name in units]


def _machines_seen(big: BigFleet) -> Work:
    events = [event for event in big.events if isinstance(event, MachineSeen)]
    return partial(fold, DesiredState(), events)


def _one_event(big: BigFleet) -> Work:
    event = TargetSet(UnitName("metrics.service"), TargetState.LOADED)
    return partial(fold, big.desired, [event])


def _promise_each(big: BigFleet) -> Work:
    """Promise leases to some machines, which answer one after the other."""
    desired = big.desired

    def work() -> None:
        state = desired
        for number in range(len(big.lost)):
            state = fold(state, [LeasesPromised((big.id_of(number),), "boot", 2000, 100, 2)])

    return work


def _seen(big: BigFleet, *, exact: bool) -> View:
    world = big.world()
    hashes = {unit.content: unit.hash for unit in big.units.values()}
    return View(
        fleet=world.fleet,
        desired=world.desired,
        observed=world.observed,
        hash_of=hashes.__getitem__,
        full=exact,
        exact=exact,
    )


def _table(verb: str, rows: Rows) -> Step:
    fields = chosen(verb, None)

    def step(big: BigFleet) -> Work:
        view = _seen(big, exact=False)
        return lambda: table(rows(view, big), fields)

    return step


def _json(name: str, rows: Rows) -> Step:
    def step(big: BigFleet) -> Work:
        view = _seen(big, exact=True)
        return lambda: listing(name, rows(view, big))

    return step


def _units(view: View, _big: BigFleet) -> Sequence[dict[str, str]]:
    return unit_rows(view)


def _files(view: View, big: BigFleet) -> Sequence[dict[str, str]]:
    return file_rows(view, big.units)


def _machines(view: View, _big: BigFleet) -> Sequence[dict[str, str]]:
    return machine_rows(view)


def _replies(big: BigFleet) -> Work:
    answer = reply_of(big)
    return lambda: [parse_reply(answer, NONCE) for _ in range(big.size)]


STEPS: dict[str, Step] = {
    "fold the journal": lambda big: partial(fold, DesiredState(), big.events),
    "fold who the machines are": _machines_seen,
    "fold one event more": _one_event,
    "promise leases, 1 %, one by one": _promise_each,
    "read the unit texts": _read,
    "read N replies": _replies,
    "who may move": lambda big: partial(
        may_get_a_machine, big.world(), frozenset(big.desired.units)
    ),
    "who has a lease": lambda big: partial(leased, big.world()),
    "plan, nothing to do": lambda big: _planned(big.world()),
    "plan, 1 % of machines silent": lambda big: _planned(big.silent()),
    "plan, N/100 new units": lambda big: _planned(big.growing()),
    "plan, 1 % of machines drained": lambda big: _planned(big.draining()),
    "list-units, table": _table("list-units", _units),
    "list-units, JSON": _json("units", _units),
    "list-unit-files, table": _table("list-unit-files", _files),
    "list-machines, table": _table("list-machines", _machines),
    "list-machines, JSON": _json("machines", _machines),
}


def seconds(step: Step, big: BigFleet) -> float:
    """Return the seconds of CPU that a step takes."""
    took: list[float] = []
    while len(took) < RUNS and sum(took) < PATIENCE:
        work = step(big)
        gc.collect()
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return median(took)


def exponent(sizes: Sequence[int], took: Sequence[float]) -> float:
    """Return the power of the size by which the last two of these times grow."""
    return math.log(took[-1] / took[-2]) / math.log(sizes[-1] / sizes[-2])


def _too_long(sizes: Sequence[int], took: Sequence[float], size: int) -> bool:
    """Tell whether a step would take longer at this size than anybody wants to wait."""
    if len(took) < 2:
        return False
    power = max(1.0, exponent(sizes[: len(took)], took))
    expected = took[-1] * math.pow(size / sizes[len(took) - 1], power)
    return expected > PATIENCE


def _row(name: str, sizes: Sequence[int], took: Sequence[float]) -> str:
    cells = [f"{one:.4f}" for one in took]
    cells += [f"> {PATIENCE:.0f}"] * (len(sizes) - len(took))
    power = exponent(sizes[: len(took)], took) if len(took) > 1 else 0.0
    steep = "  steep" if power > STEEP else ""
    return f"{name:32}" + "".join(f"{cell:>10}" for cell in cells) + f"{power:>8.2f}{steep}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--largest", type=int, default=SIZES[-1], metavar="N")
    parser.add_argument("--only", default="", metavar="WORDS", help="steps with these words")
    said = parser.parse_args()
    sizes = [size for size in SIZES if size <= said.largest]
    steps = {name: step for name, step in STEPS.items() if said.only in name}
    took: dict[str, list[float]] = {name: [] for name in steps}
    for size in sizes:
        big = BigFleet(size)
        for name, step in steps.items():
            if len(took[name]) == sizes.index(size) and not _too_long(sizes, took[name], size):
                took[name].append(seconds(step, big))
    print(f"{'seconds of CPU; machines:':32}" + "".join(f"{n:>10,}" for n in sizes) + "   power")
    for name in steps:
        print(_row(name, sizes, took[name]))


if __name__ == "__main__":
    main()

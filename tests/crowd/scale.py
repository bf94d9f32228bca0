"""What a look at very many machines costs the controller.

    python -m tests.crowd.scale --machines 10000        (make scale)

The machines are SSH servers in two processes of this computer, which also need its processors: the
seconds on the clock are theirs as well, those of CPU and the memory are sshfleet's own. A machine
costs the difference between the fleet and one of a tenth of its size.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.crowd.crowd import Cost, Kinds, Run, crowd

LONGEST = 3600.0
SERVERS = 2
MOST_CPU = 0.006  # seconds a machine
MOST_MEMORY = 200  # kB a machine
MOST_SECONDS = 1.0  # from Ctrl-C to the end


def main() -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--machines", type=int, default=10_000, metavar="N")
    many = parser.parse_args().machines
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HOME"] = name
        few, _ = look(folder / "few", many // 10, interrupt=False)
        all_, stopped = look(folder / "all", many, interrupt=True)
    more = many - many // 10
    cpu, memory = (all_.cpu - few.cpu) / more, (all_.memory - few.memory) / more
    say("machines", f"{many}")
    say("time", f"{all_.seconds:.1f} s, servers included")
    say("CPU a machine", f"{cpu * 1000:.1f} ms", f"{MOST_CPU * 1000:g} ms")
    say("memory a machine", f"{memory:.0f} kB", f"{MOST_MEMORY} kB")
    say("memory", f"{all_.memory // 1024} MB")
    say("most open files", f"{all_.files}")
    say("Ctrl-C to the end", f"{stopped:.2f} s", f"{MOST_SECONDS:g} s")
    say("load", " ".join(f"{one:.1f}" for one in os.getloadavg()))
    return 0 if cpu <= MOST_CPU and memory <= MOST_MEMORY and stopped <= MOST_SECONDS else 1


def look(folder: Path, many: int, *, interrupt: bool) -> tuple[Cost, float]:
    """Look at so many machines; return what it cost, and how long an interrupted look went on."""
    with crowd(folder, Kinds(good=many), servers=SERVERS) as user:
        cost = Run(user, "list-machines", "--no-legend").cost(LONGEST)
        ready = sum(line.endswith(" ready") for line in cost.stdout.splitlines())
        if cost.code or cost.stderr or ready != many:
            sys.exit(f"{ready} of {many} machines answered: {cost.code} {cost.stderr[:2000]}")
        if not interrupt:
            return cost, 0.0
        run = Run(user, "list-machines")
        stopped = run.interrupt(cost.seconds / 4)
        ended = run.cost(LONGEST)
        if ended.code != 130:
            sys.exit(f"interrupted: {ended}")
        return cost, stopped


def say(what: str, found: str, most: str = "") -> None:
    """Print a line of the result."""
    promised = f"   (promised: {most})" if most else ""
    sys.stdout.write(f"{what:20} {found}{promised}\n")


if __name__ == "__main__":
    sys.exit(main())

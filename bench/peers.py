"""sshfleet and its peers, timed on the same machines in one run: `make bench`, as root.

    python -m bench.peers [--machines 10,50,100] [--rounds 5] [--conditions 0,20,100,dead,jump]
                          [--contestants floor,sshfleet,...] [--picture FILE]

Prints ratios, draws a picture of them, and keeps each sample in build/bench/samples.jsonl.
What is measured and how: docs/bench.md.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import contestants, machines, peers_venv
from bench.conditions import Condition, Place, condition
from bench.picture import picture
from bench.table import tables
from bench.timing import Sample, results, rotated
from bench.wire import Wire
from sshfleet.errors import SshfleetError
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabSpec

FOLDER = peers_venv.PROJECT / "build/bench"
OURS = ("floor", "sshfleet", "ssh+xargs")  # those that need nothing installed
LAB = "bench"
LATE = 0.002  # seconds a packet may be late before that is told


def tell(line: str) -> None:
    """Say how it goes, on stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is to be compared, and what came of it so far."""

    names: list[str]
    conditions: list[Condition]
    rounds: int
    samples: list[Sample] = field(default_factory=list)
    doubts: dict[str, str] = field(default_factory=dict)

    def compare(self, place: Place, count: int) -> None:
        """Do all rounds with so many machines; round 0 warms up and is the proof."""
        for turn in range(self.rounds + 1):
            for each in self.conditions:
                tell(f"{count} machines, {each.name}: {f'round {turn}' if turn else 'proof'}")
                self._turn(place, each, count, turn)

    def _turn(self, place: Place, each: Condition, count: int, turn: int) -> None:
        with place.under(each, count) as contest:
            for name in rotated(self.names, turn):
                one = contestants.ALL[name](contest.scene)
                for sample in contest.turn(one, turn):
                    self._keep(sample)
                if not turn and (doubt := contest.proof(one)):
                    self.doubts[f"{name}, {count} machines, {each.name}"] = doubt
                    tell(f"  {name}: {doubt}")

    def _keep(self, sample: Sample) -> None:
        if sample.turn:
            self.samples.append(sample)
        with (FOLDER / "samples.jsonl").open("a") as file:
            file.write(json.dumps(asdict(sample)) + "\n")
        passed = sample.passed
        late = f", packets late by {passed.late * 1000:.1f} ms" if passed.late > LATE else ""
        lost = f", {passed.lost} packets lost" if passed.lost else ""
        wrong = f", WRONG: {sample.wrong}" if sample.wrong else ""
        words = f"{sample.contestant}, {sample.row.task}: {sample.seconds:.2f} s"
        tell(f"  {words}{late}{lost}{wrong}")


@contextmanager
def _place(count: int, with_python: bool) -> Iterator[Place]:
    """Boot machines and one more, the jump host; take all down at the end."""
    root = machines.python_root(FOLDER)
    spec = LabSpec(
        name=LAB,
        count=count + 1,
        inventory=FOLDER / "lab.yaml",
        shared=root if with_python else None,
    )
    lab = Lab.up(spec, tell)
    try:
        crew = machines.Machines(lab)
        *hosts, jump = (machine.address for machine in lab.machines)
        if with_python:
            crew.give_python(hosts)
        crew.be_jump_host(jump)
        with Wire(lab).plugged() as wire:
            yield Place(lab, wire, crew, FOLDER / "scene")
    finally:
        lab.down()


def _absent(names: Sequence[str]) -> dict[str, str]:
    """Make the peers' environment; say who cannot take part without it."""
    needing = [name for name in names if name not in OURS]
    try:
        if needing:
            peers_venv.ensure()
    except (OSError, subprocess.CalledProcessError) as error:
        return dict.fromkeys(needing, f"did not take part, it could not be installed: {error}")
    return {}


def _list(known: Callable[[str], object]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        words = text.replace(",", " ").split()
        for word in words:
            known(word)
        return words

    return read


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.peers", description="Compare sshfleet's speed.")
    parser.add_argument("--machines", type=_list(int), default="10,50,100")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--conditions", type=_list(condition), default="0,20,100,dead,jump")
    known = _list(contestants.ALL.__getitem__)
    parser.add_argument("--contestants", type=known, default=",".join(contestants.ALL))
    parser.add_argument("--picture", type=Path, default=FOLDER / "bench.svg")
    return parser.parse_args()


def main() -> int:
    """Compare, and print the ratios."""
    said = _arguments()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "samples.jsonl").unlink(missing_ok=True)
    absent = _absent(said.contestants)
    names = [name for name in said.contestants if name not in absent]
    run = Run(names=names, conditions=[*map(condition, said.conditions)], rounds=said.rounds)
    counts = [*map(int, said.machines)]
    try:
        with _place(max(counts), any("ansible" in name for name in names)) as place:
            for count in counts:
                run.compare(place, count)
    except SshfleetError as error:
        tell(f"error: {error}")
        return 1
    found = results(run.samples)
    sys.stdout.write(tables(found, said.contestants, absent | run.doubts))
    said.picture.write_text(picture(found, names))
    return int(bool(run.doubts) or any(sample.wrong for sample in run.samples))


if __name__ == "__main__":
    sys.exit(main())

"""How long and in how much memory a large journal opens, compared with reading its JSON alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from sshfleet.journal.record import encode
from sshfleet.journal.snapshot import WORTHWHILE
from sshfleet.model import event as ev
from sshfleet.model.event import Event
from tests.journal.lines import M1, STORY, WEB, open_journal
from tests.journal.strategies import STAMP
from tests.lab.user import PROJECT

MEMORY = 50 * 1024  # KiB
OPEN = r"""
import re, sys, time
from pathlib import Path
from sshfleet.journal.store import read_state
begun = time.process_time()
state, notes = read_state(Path(sys.argv[1]))
seconds = time.process_time() - begun
import json
begun = time.process_time()
with open(sys.argv[1], "rb") as file:
    for line in file:
        json.loads(line)
print(json.dumps({
    "seconds": seconds,
    "json": time.process_time() - begun,
    # Not ru_maxrss: that begins with what the process that started this one had.
    "memory": int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]),
    "units": len(state.units),
}))
"""


def life() -> Iterator[Event]:
    """Yield what happens to a unit that is moved for ever."""
    yield from STORY
    generation = 1
    while True:
        generation += 1
        yield ev.UnitPlaced(WEB, M1, generation, "fewest units")
        yield ev.ActionEnded(WEB, M1, "start", "to be launched", "done", "", "active/running", 1234)
        yield ev.UnitUnplaced(WEB, M1, "drained")
        yield ev.ActionEnded(WEB, M1, "stop", "moved away", "done", "active/running", "", 1234)
        yield ev.UnitRemoved(WEB, M1)


def opened(path: Path) -> dict[str, float]:
    """Read a journal in a process of its own; return what that took."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(path)],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "demo").mkdir(mode=0o700)
    return tmp_path / "demo" / "journal.jsonl"


def test_a_hundred_thousand_records_in_one_file_open_in_little_memory(path: Path) -> None:
    prev = ""
    with path.open("wb") as file:
        for seq, event in enumerate(islice(life(), 100_000), start=1):
            line, prev = encode(event, STAMP, seq=seq, prev=prev)
            file.write(line)
    path.chmod(0o600)
    found = opened(path)
    assert found["units"] == 1
    assert found["memory"] < MEMORY
    # Sums, chain and state cost about as much as Python's json alone; twice that is a step back.
    assert found["seconds"] < 4 * found["json"]


def test_a_hundred_thousand_events_of_commands_open_as_fast_as_their_state(path: Path) -> None:
    events = islice(life(), 1, 100_000)
    while batch := list(islice(events, 10_000)):
        with open_journal(path) as journal:
            journal.append(batch)
    assert path.stat().st_size < 2 * WORTHWHILE
    found = opened(path)
    assert found["memory"] < MEMORY
    assert found["seconds"] < 0.5

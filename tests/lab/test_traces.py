import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sshfleet.errors import TryLater
from sshfleet.lab import cgroup, machine, network, remove, roots, state
from sshfleet.lab.body import Condition
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabSpec
from sshfleet.lab.waiting import until
from tests.lab.labs import lab_name, tell

UP = """
import sys
from pathlib import Path
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabSpec
Lab.up(LabSpec(name=sys.argv[1], count=4, inventory=Path(sys.argv[2])), lambda line: None)
"""


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    unique = lab_name("x")
    yield unique
    remove.down(unique)


def traces(lab: str) -> list[str]:
    """Return everything on this computer that belongs to the lab."""
    found = [str(path) for path in network.INTERFACES.glob(f"{network.bridge(lab)}*")]
    folders = (cgroup.folder(lab), cgroup.cpu_folder(lab), machine.DISKS / lab, state.folder(lab))
    found += [str(path) for path in folders if path is not None and path.exists()]
    found += [str(path) for path in state.RUNS.glob(f".{lab}*")]
    for process in Path("/proc").glob("[0-9]*"):
        found += traces_of_process(process, lab)
    return found


def traces_of_process(process: Path, lab: str) -> list[str]:
    try:
        membership = (process / "cgroup").read_text()
        mounts = (process / "mountinfo").read_text()
    except OSError:
        return []
    if f"sshfleet-lab-{lab}" in membership or f"machines/{lab}/" in mounts:
        return [f"{process}: {(process / 'cmdline').read_bytes()!r}"]
    return []


def command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()


POINTS: dict[str, Callable[[str], bool]] = {
    "lock": lambda lab: (state.RUNS / f".{lab}.lock").exists(),
    "state": lambda lab: state.load(lab) is not None,
    "bridge": lambda lab: (network.INTERFACES / network.bridge(lab)).exists(),
    "disk": lambda lab: (machine.DISKS / lab / "core-02").exists(),
    "group": lambda lab: (cgroup.folder(lab) / "core-01").exists(),
    "wire": lambda lab: (network.INTERFACES / network.link(lab, 1)).exists(),
    "boot": lambda lab: (cgroup.folder(lab) / "core-01/machine/init.scope").exists(),
    "agent": lambda lab: cgroup.is_populated(cgroup.folder(lab) / "agent"),
}


def up_killed_at(point: str, lab: str, inventory: Path) -> None:
    argv = [sys.executable, "-c", UP, lab, str(inventory)]
    with subprocess.Popen(argv, cwd=Path(__file__).parents[2]) as process:
        # Not `until`: its pauses grow, and some points last for milliseconds only.
        while not POINTS[point](lab) and process.poll() is None:
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL, f"lab up was done before we saw the {point}"


@pytest.fixture(scope="module", autouse=True)
def roots_are_built() -> None:
    roots.ensure(["bookworm"], extras=(), tell=lambda _line: None)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_up_leaves_nothing_that_down_does_not_remove(
    name: str, tmp_path: Path, point: str
) -> None:
    up_killed_at(point, name, tmp_path / "inventory.yaml")

    remove.down(name)

    until(lambda: not traces(name), 5, f"{traces(name)} to go")
    assert list(tmp_path.iterdir()) == []


def test_up_goes_on_where_a_killed_one_left_off(name: str, tmp_path: Path) -> None:
    up_killed_at("boot", name, tmp_path / "inventory.yaml")

    lab = Lab.up(LabSpec(name=name, count=1, inventory=tmp_path / "inventory.yaml"), tell)

    assert lab.status() == {"core-01": Condition.RUNNING}


def test_a_down_that_was_killed_is_taken_up_again(name: str, tmp_path: Path) -> None:
    lab = Lab.up(LabSpec(name=name, count=1, inventory=tmp_path / "inventory.yaml"), tell)
    # What a down that got half way leaves: no processes, no wires, but all files.
    cgroup.remove(name)
    network.remove(name)

    lab.down()

    assert traces(name) == []


def test_a_damaged_state_keeps_no_other_lab_from_booting(name: str, tmp_path: Path) -> None:
    damaged = lab_name("damaged")
    state.folder(damaged).mkdir(parents=True)
    (state.folder(damaged) / "state.json").write_text('{"half a st')

    try:
        Lab.up(LabSpec(name=name, count=1, inventory=tmp_path / "inventory.yaml"), tell)
    finally:
        remove.down(damaged)


def test_down_needs_no_state(name: str, tmp_path: Path) -> None:
    Lab.up(LabSpec(name=name, count=1, inventory=tmp_path / "inventory.yaml"), tell)
    (state.folder(name) / "state.json").write_text('{"half a st')

    assert remove.down(name)

    assert traces(name) == []


def test_down_removes_everything_and_can_be_repeated(name: str, tmp_path: Path) -> None:
    lab = Lab.up(LabSpec(name=name, count=2, inventory=tmp_path / "inventory.yaml"), tell)
    lab.kill("core-01")
    lab.freeze("core-02")
    assert len(traces(name)) > 8

    lab.down()

    assert traces(name) == []
    assert list(tmp_path.iterdir()) == []
    lab.down()
    assert not remove.down(name)


def test_two_labs_live_side_by_side(name: str, tmp_path: Path, lab3: Lab) -> None:
    other = Lab.up(LabSpec(name=name, count=2, inventory=tmp_path / "inventory.yaml"), tell)
    addresses = {each.address for lab in (lab3, other) for each in lab.machines}
    assert len(addresses) == 5

    other.kill("core-01")
    other.partition("core-02")
    assert set(lab3.status().values()) == {Condition.RUNNING}
    other.down()

    assert set(lab3.status().values()) == {Condition.RUNNING}
    assert lab3.agent_socket.exists()
    assert lab3.inventory.exists()
    assert traces(name) == []


def test_a_second_run_on_the_same_lab_is_kept_out(name: str) -> None:
    with state.lock_lab(name), pytest.raises(TryLater, match=f"at work on lab {name}"):
        remove.down(name)

    assert not (state.RUNS / f".{name}.lock").exists()


def test_a_build_that_is_killed_ends_and_leaves_no_root(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sshfleet.lab import roots;"
        "roots.ensure(['trixie'], (), print, Path(sys.argv[1]))"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(argv, cwd=Path(__file__).parents[2]) as process:
        until(lambda: bool(list(tmp_path.glob("roots/.*/done/debootstrap"))), 30, "debootstrap")
        process.kill()

    def still_at_it() -> bool:
        return any(str(tmp_path).encode() in line for line in command_lines())

    until(lambda: not still_at_it(), 5, "debootstrap to end")
    assert list(tmp_path.glob("roots/trixie*")) == []
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()

"""The lab's branch of the cgroup v2 tree: how its processes are found, frozen and ended.

    <mount>/sshfleet-lab-NAME/agent             the ssh-agent
    <mount>/sshfleet-lab-NAME/core-01/launcher  boot.sh, and what Lab.run starts
    <mount>/sshfleet-lab-NAME/core-01/machine   what the machine sees as its root

Rule 1: no pid is ever remembered; `cgroup.kill` ends all and only what is inside (cgroups(7)).
Rule 2: a lab shares the processors with the rest of this computer as one party, however many of its
        units loop. Where the controller `cpu` is still one of v1 this takes a group there, too.
"""

from collections.abc import Iterator
from pathlib import Path

from sshfleet.errors import SshfleetError
from sshfleet.lab.waiting import until

PREFIX = "sshfleet-lab-"
END_WITHIN = 30.0  # seconds for killed processes to be gone, however busy this computer is


def mount_point() -> Path:
    """Return where cgroup v2 is mounted; a hybrid tree will do. SshfleetError when nowhere."""
    for where, kind, _ in _mounts():
        if kind == "cgroup2":
            return where
    raise SshfleetError(
        "cgroup v2 is not mounted on this computer",
        hint="mkdir -p /sys/fs/cgroup/unified; mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
    )


def _mounts() -> Iterator[tuple[Path, str, list[str]]]:
    """Tell where each file system is mounted, its type and options."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split(" ")
        yield Path(where), kind, options.split(",")


def cpu_folder(lab: str) -> Path | None:
    """Return the lab's group of the v1 controller `cpu`; None on a computer without."""
    for where, kind, options in _mounts():
        if kind == "cgroup" and "cpu" in options:
            return where / f"{PREFIX}{lab}"
    return None


def folder(lab: str) -> Path:
    """Return the branch of a lab, whether or not it exists."""
    return mount_point() / f"{PREFIX}{lab}"


def names() -> list[str]:
    """Name every lab that has a branch, sorted."""
    return sorted(path.name.removeprefix(PREFIX) for path in mount_point().glob(f"{PREFIX}*"))


def _events(path: Path) -> str:
    try:
        return (path / "cgroup.events").read_text()
    except OSError:  # ENOENT, or ENODEV when it is being removed
        return ""


def create(lab: str) -> None:
    """Make the branch of a lab; it yields to the rest of this computer when that is busy."""
    path = folder(lab)
    path.mkdir(exist_ok=True)
    (path / "agent").mkdir(exist_ok=True)
    _hand_down_controllers(path)
    if cpu := cpu_folder(lab):
        cpu.mkdir(exist_ok=True)


def create_machine(path: Path) -> None:
    """Make the two folders of a machine."""
    for part in (path, path / "launcher", path / "machine"):
        part.mkdir(exist_ok=True)
    _hand_down_controllers(path)


def _hand_down_controllers(path: Path) -> None:
    offered = (path / "cgroup.controllers").read_text().split()
    for controller in {"cpu", "io", "memory", "pids"}.intersection(offered):
        (path / "cgroup.subtree_control").write_text(f"+{controller}")


def is_populated(path: Path) -> bool:
    """Tell whether any process lives in the branch `path`."""
    return "populated 1" in _events(path)


def is_frozen(path: Path) -> bool:
    """Tell whether the branch was asked to stand still."""
    try:
        return (path / "cgroup.freeze").read_text().strip() == "1"
    except FileNotFoundError:
        return False


def freeze(path: Path, frozen: bool) -> None:
    """Stop or continue every process of the branch; return when it is so."""
    (path / "cgroup.freeze").write_text("1" if frozen else "0")
    wanted = f"frozen {int(frozen)}"
    until(lambda: wanted in _events(path), END_WITHIN, f"{path.name} to be {wanted}")


def kill(path: Path) -> None:
    """End every process of the branch at once; return when they are gone."""
    if path.exists():
        (path / "cgroup.kill").write_text("1")
        until(lambda: not is_populated(path), END_WITHIN, f"the processes of {path.name} to end")


def remove(lab: str) -> None:
    """End what runs in a lab and remove its groups; a no-op when there are none."""
    remove_branch(folder(lab))
    if cpu := cpu_folder(lab):
        until(lambda: _removed(cpu), END_WITHIN, f"{cpu} to be empty")


def remove_branch(path: Path) -> None:
    """End what runs in the branch and remove it; a no-op when it does not exist."""

    def gone() -> bool:
        kill(path)
        return _removed(path)

    until(gone, END_WITHIN, f"{path} to be empty")


def _removed(path: Path) -> bool:
    """Remove the empty folders of a branch; False when one is not, for now."""
    try:
        for child in [*sorted(path.rglob("*/"), reverse=True), path]:
            child.rmdir()
    except FileNotFoundError:
        return not path.exists()
    except OSError:  # EBUSY: a process slipped in between
        return False
    return True

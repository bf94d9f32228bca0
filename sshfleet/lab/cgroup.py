"""The lab's branch of the cgroup v2 tree: how its processes are found, frozen and ended.

    <mount>/sshfleet-lab-NAME/agent             the ssh-agent
    <mount>/sshfleet-lab-NAME/core-01/launcher  boot.sh, and what Lab.run starts
    <mount>/sshfleet-lab-NAME/core-01/machine   what the machine sees as its root

Rule 1: no pid is ever remembered; `cgroup.kill` ends all and only what is inside (cgroups(7)).
"""

from pathlib import Path

from sshfleet.errors import SshfleetError
from sshfleet.lab.waiting import until

PREFIX = "sshfleet-lab-"
END_WITHIN = 10.0  # seconds for killed processes to be gone


def mount_point() -> Path:
    """Return where cgroup v2 is mounted; a hybrid tree will do. SshfleetError when nowhere."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split(" ")
        if kind == "cgroup2":
            return Path(where)
    raise SshfleetError(
        "cgroup v2 is not mounted on this computer",
        hint="mkdir -p /sys/fs/cgroup/unified; mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
    )


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
    if (path / "cpu.weight").exists():
        (path / "cpu.weight").write_text("50")


def create_machine(path: Path) -> None:
    """Make the two folders of a machine."""
    for part in (path, path / "launcher", path / "machine"):
        part.mkdir(exist_ok=True)
    _hand_down_controllers(path)


def _hand_down_controllers(path: Path) -> None:
    for controller in (path / "cgroup.controllers").read_text().split():
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
    if not path.exists():
        return
    (path / "cgroup.kill").write_text("1")
    until(lambda: not is_populated(path), END_WITHIN, f"the processes of {path.name} to end")


def remove(path: Path) -> None:
    """End what runs in the branch and remove it; a no-op when it does not exist."""
    until(lambda: _removed(path), END_WITHIN, f"{path} to be empty")


def _removed(path: Path) -> bool:
    try:
        kill(path)
        for child in [*sorted(path.rglob("*/"), reverse=True), path]:
            child.rmdir()
    except FileNotFoundError:
        return not path.exists()
    except OSError:  # EBUSY: a process slipped in between the two
        return False
    return True

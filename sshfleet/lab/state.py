"""The run folder of a lab: what is remembered about it, and the locks that keep two runs apart.

Rule 1: the state is written before the first thing it tells of is made, by rename.
Rule 2: the folder belongs to root; what the state says is acted on with root's powers.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sshfleet.errors import SshfleetError, TryLater
from sshfleet.lab.spec import LabMachine, LabSpec
from sshfleet.lab.waiting import holds

RUNS = Path("/run/sshfleet-lab")
LOCK_WITHIN = 3.0  # seconds; the last command of a process that was killed still holds the lock


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """Everything about a lab that does not follow from its name."""

    spec: LabSpec
    subnet: int  # N of 198.18.N.0/24
    roots: dict[str, str]  # suite → overlay lowerdir, relative to the cache
    owner: int  # pid of the `up` that made it
    inventory: Path
    machines: tuple[LabMachine, ...] = ()
    complete: bool = False  # `up` came to its end once


def folder(name: str) -> Path:
    """Return the run folder of a lab, whether or not it exists."""
    return RUNS / name


def names() -> list[str]:
    """Name every lab that has a run folder, sorted."""
    if not RUNS.is_dir():
        return []
    return sorted(entry.name for entry in RUNS.iterdir() if entry.is_dir())


def save(state: LabState) -> None:
    """Write the state, whole or not at all."""
    run = folder(state.spec.name)
    run.mkdir(exist_ok=True)
    run.chmod(0o755)  # whatever the umask: under sudo the user goes in for the agent's socket
    fresh = run / "state.json.new"
    fresh.write_text(json.dumps(asdict(state), default=str, indent=1) + "\n")
    fresh.rename(run / "state.json")


def load(name: str) -> LabState | None:
    """Read the state of a lab; None when there is none. A damaged one is an SshfleetError."""
    path = folder(name) / "state.json"
    try:
        return _decode(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise SshfleetError("only root may look into a lab", hint="sudo sshfleet lab …") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SshfleetError(
            f"the state of lab {name} cannot be read: {error}",
            place=str(path),
            hint=f"sshfleet lab down --name {name}",
        ) from error


def _decode(raw: dict[str, Any]) -> LabState:
    spec = raw["spec"]
    known = spec | {
        "suites": tuple(spec["suites"]),
        "extras": tuple(spec["extras"]),
        "inventory": _path(spec["inventory"]),
        "shared": _path(spec.get("shared")),  # labs of before have none
    }
    return LabState(
        **raw
        | {
            "spec": LabSpec(**known),
            "inventory": Path(raw["inventory"]),
            "machines": tuple(LabMachine(**machine) for machine in raw["machines"]),
        }
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock that dies with this process, waiting for it; its file is gone afterwards."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle = None
    while handle is None:
        handle = _acquire(path, fcntl.LOCK_EX)
    with _held(path, handle):
        yield


@contextmanager
def lock_lab(name: str) -> Iterator[None]:
    """Keep a second `up` or `down` of the same lab out: TryLater while there is one."""
    path = RUNS / f".{name}.lock"
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handles: list[int] = []

    def locked() -> bool:
        handle = _acquire(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        handles.extend([] if handle is None else [handle])
        return handle is not None

    if not holds(locked, LOCK_WITHIN):
        raise TryLater(
            f"another sshfleet is at work on lab {name}",
            hint="wait for it, or end it, and try again",
        )
    os.set_inheritable(handles[0], True)  # command.py, Rule 1
    with _held(path, handles[0]):
        yield


@contextmanager
def _held(path: Path, handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink()
        os.close(handle)


def _acquire(path: Path, how: int) -> int | None:
    """Return the descriptor of the locked file; None when it was not to be had this time."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, how)
        # Whoever held it before removed its file on leaving: then ours is the lock of no name.
        if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
            return handle
    except BlockingIOError:
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None

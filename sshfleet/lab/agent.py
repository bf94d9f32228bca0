"""The lab's own key and the ssh-agent that holds it, and the keys of whoever runs `lab up`.

Rule 1: under sudo both belong to the user behind it, who goes on with the other verbs: ssh-agent
        answers its own user only.
"""

import os
import subprocess
from pathlib import Path

from sshfleet.lab import cgroup, command


def invoker() -> tuple[int, int]:
    """Return uid and gid of the user who asked, behind sudo if need be."""
    if "SUDO_UID" in os.environ and "SUDO_GID" in os.environ:
        return int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    return os.getuid(), os.getgid()


def folder(run: Path) -> Path:
    """Return the folder of key and socket."""
    return run / "agent"


def socket(run: Path) -> Path:
    """Return the socket of the lab's agent."""
    return folder(run) / "socket"


def callers_keys() -> list[str]:
    """Return the public keys in the agent of the caller's environment; none without one."""
    done = subprocess.run(["ssh-add", "-L"], capture_output=True, check=False)
    if done.returncode != 0:  # 1: it is empty, 2: there is none
        return []
    return done.stdout.decode("utf-8", "backslashreplace").splitlines()


def new_key(path: Path, comment: str) -> str:
    """Make an ed25519 key pair without passphrase at `path`; return the public line."""
    command.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
    return path.with_name(path.name + ".pub").read_text().strip()


def create_key(run: Path, lab: str) -> str:
    """Make the lab's client key; return its public line."""
    home = folder(run)
    home.mkdir(mode=0o700)
    public = new_key(home / "key", f"lab-{lab}")
    for path in (home, home / "key", home / "key.pub"):
        os.chown(path, *invoker())
    return public


def ensure(run: Path, lab: str) -> None:
    """Start the agent with the lab's key, unless it runs."""
    branch = cgroup.folder(lab) / "agent"
    if cgroup.is_populated(branch) and socket(run).exists():
        return
    cgroup.kill(branch)
    socket(run).unlink(missing_ok=True)
    home = folder(run).stat()
    command.run(
        "sh",
        "-c",
        'echo 0 >"$1"; exec setpriv --reuid "$2" --regid "$3" --clear-groups ssh-agent -a "$4"',
        "sh",
        str(branch / "cgroup.procs"),
        str(home.st_uid),
        str(home.st_gid),
        str(socket(run)),
        daemon=True,
    )
    command.run("ssh-add", "-q", str(folder(run) / "key"), env={"SSH_AUTH_SOCK": str(socket(run))})

"""What makes a machine itself, written into its layer of the overlay before it first boots."""

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from sshfleet.lab import agent

CORE = 1000  # uid and gid of the user `core`, see build.sh


def create(upper: Path, name: str, authorized: Sequence[str]) -> tuple[str, str]:
    """Give the machine its name, ID and keys; return (machine ID, public host key)."""
    machine_id = uuid.uuid4().hex
    _folder(upper, 0o755)
    _folder(upper / "etc", 0o755)
    _file(upper / "etc/machine-id", f"{machine_id}\n", 0o444)
    _file(upper / "etc/hostname", f"{name}\n", 0o644)
    _file(upper / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n", 0o644)
    _folder(upper / "etc/ssh", 0o755)
    host_key = agent.new_key(upper / "etc/ssh/ssh_host_ed25519_key", f"root@{name}")
    _folder(upper / "home", 0o755)
    _home(upper / "root", 0, authorized)
    _home(upper / "home/core", CORE, authorized)
    return machine_id, " ".join(host_key.split()[:2])


def _home(path: Path, owner: int, authorized: Sequence[str]) -> None:
    _folder(path, 0o700)
    _folder(path / ".ssh", 0o700)
    _file(path / ".ssh/authorized_keys", "".join(f"{key}\n" for key in authorized), 0o600)
    for made in (path, path / ".ssh", path / ".ssh/authorized_keys"):
        os.chown(made, owner, owner)


def _folder(path: Path, mode: int) -> None:
    path.mkdir()
    path.chmod(mode)


def _file(path: Path, text: str, mode: int) -> None:
    path.write_text(text)
    path.chmod(mode)

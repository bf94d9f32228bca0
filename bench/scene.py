"""Where a contest takes place: which machines, and the files by which contestants know them.

Rule 1: all contestants know the same: addresses, host keys, the user `core`, one key in an agent,
        the jump host. Nothing of whoever runs this (home, ssh_config, known hosts) plays a part.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sshfleet.lab.lab import Lab

RECIPES = Path(__file__).with_name("recipes")
TIMEOUT = 10  # seconds to connect and log in, for all contestants: the default of most


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Machines as contestants see them; `jump` is "" where there is no jump host."""

    folder: Path
    hosts: tuple[str, ...]  # addresses
    jump: str
    agent: Path

    @property
    def ssh_config(self) -> Path:
        """Return the configuration of OpenSSH."""
        return self.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """Return the file of all host keys."""
        return self.folder / "known_hosts"

    @property
    def host_list(self) -> Path:
        """Return the file with one address a line."""
        return self.folder / "hosts"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which every contestant runs."""
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "SSH_AUTH_SOCK": str(self.agent),
            "BENCH_HOSTS": " ".join(self.hosts),
            "BENCH_JUMP": self.jump,
            "BENCH_KNOWN_HOSTS": str(self.known_hosts),
            "BENCH_SSH_CONFIG": str(self.ssh_config),
            "BENCH_TIMEOUT": str(TIMEOUT),
        }


def write(folder: Path, lab: Lab, hosts: Sequence[str], jump: str) -> Scene:
    """Write all files of a scene into a folder."""
    scene = Scene(folder=folder, hosts=tuple(hosts), jump=jump, agent=lab.agent_socket)
    (folder / "home").mkdir(parents=True, exist_ok=True)
    (folder / "control").mkdir(exist_ok=True)
    keys = (f"{machine.address} {machine.host_key}\n" for machine in lab.machines)
    scene.known_hosts.write_text("".join(keys))
    scene.ssh_config.write_text(_ssh_config(scene))
    scene.host_list.write_text("".join(f"{host}\n" for host in hosts))
    machines = "".join(f"  m{n:03}: {{address: {host}}}\n" for n, host in enumerate(hosts, 1))
    (folder / "inventory.yaml").write_text(f"fleet: {{name: bench}}\nmachines:\n{machines}")
    (folder / "ansible.cfg").write_text(_ansible(scene))
    return scene


def _ssh_config(scene: Scene) -> str:
    lines = [
        "Host *",
        "User core",
        f"UserKnownHostsFile {scene.known_hosts}",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "BatchMode yes",
        f"IdentityAgent {scene.agent}",
        f"ConnectTimeout {TIMEOUT}",
    ]
    if scene.jump:
        lines += [f"Host * !{scene.jump}", f"ProxyJump core@{scene.jump}"]
    return "\n".join(lines) + "\n"


def _ansible(scene: Scene) -> str:
    """Set ansible up as its manual says for speed; connections are kept within a run."""
    return f"""[defaults]
inventory = {scene.host_list}
forks = {len(scene.hosts)}
remote_user = core
timeout = {TIMEOUT}
gathering = explicit
interpreter_python = /usr/bin/python3
[ssh_connection]
pipelining = True
ssh_args = -C -F {scene.ssh_config} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {scene.folder / "control"}
"""

"""Who takes part, what each of them types for each task, and what then shows that it saw the unit.

Rule 1: each is used as its manual says for speed, all machines at once, and starts cold: one
        command from the shell to its end, no connection left over from the last.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from shlex import quote

from bench.peers_venv import VENV, site_packages
from bench.scene import RECIPES, TIMEOUT, Scene

Command = tuple[str, ...]

PEERS = VENV / "bin"
SSHFLEET = Path(sys.executable).with_name("sshfleet")
UNIT = RECIPES / "bench.service"
IS_ACTIVE = "systemctl is-active bench.service"
PREFIXED = r"^(\S+): active$"


class Task(StrEnum):
    """What contestants do, in this order."""

    STATUS = "status"
    DEPLOY = "deploy"
    AGAIN = "nothing to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One who takes part. `shown` finds in the output of `status` each machine that it saw active.

    A contestant that does not `look` at the unit is no tool but a measure for the others.
    """

    name: str
    status: Command
    deploy: Command
    again: Command
    shown: str
    environment: Mapping[str, str] = field(default_factory=dict)
    looks: bool = True

    def command(self, task: Task) -> Command:
        """Return what it types for a task."""
        return {Task.STATUS: self.status, Task.DEPLOY: self.deploy, Task.AGAIN: self.again}[task]


def _floor(_scene: Scene) -> Contestant:
    program = (sys.executable, str(Path(__file__).with_name("floor.py")))
    return Contestant(
        name="floor",
        status=(*program, "status"),
        deploy=(*program, "deploy"),
        again=(*program, "again"),
        shown=r"^(\S+): done$",
        looks=False,
    )


def _sshfleet(scene: Scene) -> Contestant:
    program = (str(SSHFLEET), "-F", str(scene.ssh_config), "--ssh-timeout", str(TIMEOUT))
    return Contestant(
        name="sshfleet",
        status=(*program, "list-units"),
        deploy=(*program, "start", str(UNIT)),
        again=(*program, "reconcile"),
        shown=r"/(\S+)\s+active\s+running$",
        environment={"SSHFLEET_INVENTORY": str(scene.folder / "inventory.yaml")},
    )


def _ansible(scene: Scene) -> Contestant:
    play = (str(PEERS / "ansible-playbook"), str(RECIPES / "playbook.yaml"))
    argument = ("-o", "-m", "ansible.builtin.command", "-a", IS_ACTIVE)
    return Contestant(
        name="ansible",
        status=(str(PEERS / "ansible"), "all", *argument),
        deploy=play,
        again=play,
        shown=r"^(\S+) \| CHANGED \| rc=0 \| \(stdout\) active$",
        environment={"ANSIBLE_CONFIG": str(scene.folder / "ansible.cfg")},
    )


def _mitogen(scene: Scene) -> Contestant:
    plain = _ansible(scene)
    plugins = site_packages() / "ansible_mitogen/plugins/strategy"
    return Contestant(
        name="ansible+mitogen",
        status=plain.status,
        deploy=plain.deploy,
        again=plain.again,
        shown=plain.shown,
        environment={
            **plain.environment,
            "ANSIBLE_STRATEGY": "mitogen_linear",
            "ANSIBLE_STRATEGY_PLUGINS": str(plugins),
        },
    )


def _pyinfra(_scene: Scene) -> Contestant:
    program = (str(PEERS / "pyinfra"), "-y", str(RECIPES / "pyinfra_inventory.py"))
    return Contestant(
        name="pyinfra",
        status=(*program, "fact", "systemd.SystemdStatus", "services=bench.service"),
        deploy=(*program, str(RECIPES / "pyinfra_deploy.py")),
        again=(*program, str(RECIPES / "pyinfra_deploy.py")),
        shown=r'"([^"]+)": \{\s*"bench\.service": true',
    )


def _ensure() -> str:
    """Return ensure.sh as one word for a remote shell."""
    return f"sh -c {quote((RECIPES / 'ensure.sh').read_text())}"


def _clush(scene: Scene) -> Contestant:
    options = ("-F", str(scene.ssh_config))
    machines = ("-w", ",".join(scene.hosts), "-f", str(len(scene.hosts)), "-t", str(TIMEOUT))
    program = (str(PEERS / "clush"), "-S", *machines, "-o", " ".join(options))
    ensure = ("sh", "-c", f'exec "$@" <{quote(str(UNIT))}', "sh", *program, _ensure())
    return Contestant(
        name="clush",
        status=(*program, "-n", IS_ACTIVE),
        deploy=ensure,
        again=ensure,
        shown=PREFIXED,
    )


def _parallel_ssh(_scene: Scene) -> Contestant:
    program = (str(PEERS / "python"), str(RECIPES / "pssh_run.py"))
    return Contestant(
        name="parallel-ssh",
        status=(*program, "status"),
        deploy=(*program, "deploy"),
        again=(*program, "again"),
        shown=PREFIXED,
    )


def _xargs(scene: Scene) -> Contestant:
    each = ("xargs", "-a", str(scene.host_list), "-P", str(len(scene.hosts)), "-I{}", "sh", "-c")
    ssh = f"ssh -F {quote(str(scene.ssh_config))} {{}}"
    # Never 255, by which xargs is told to stop at once.
    look = f'said=$({ssh} {IS_ACTIVE} </dev/null); code=$?; echo "{{}}: $said"; exit $((code > 0))'
    ensure = (*each, f'{ssh} "$0" <{quote(str(UNIT))} || exit 1', _ensure())
    return Contestant(
        name="ssh+xargs",
        status=(*each, look),
        deploy=ensure,
        again=ensure,
        shown=PREFIXED,
    )


ALL: dict[str, Callable[[Scene], Contestant]] = {
    "floor": _floor,
    "sshfleet": _sshfleet,
    "ansible": _ansible,
    "ansible+mitogen": _mitogen,
    "pyinfra": _pyinfra,
    "clush": _clush,
    "parallel-ssh": _parallel_ssh,
    "ssh+xargs": _xargs,
}

"""The lab machines of a contest: what they are given before, and what is found on them after.

Rule 1: whether a contestant did its work is asked of the machines, without SSH or network.
Rule 2: ansible needs Python on the machines and the lab's have none: they get links to one that
        lies in a folder they share.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.scene import RECIPES
from sshfleet.lab import mirror
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import SHARED

WIPE = r"""
systemctl stop bench.service 2>/dev/null
for path in /etc/systemd/system /run/systemd/system; do
    find $path -depth \( -name 'bench.service*' -o -name '*sshfleet*' -o -lname '*sshfleet*' \) \
        -exec rm -rf {} +
done
rm -rf /etc/sshfleet /run/sshfleet /var/lib/sshfleet /tmp/* /home/core/.ansible /root/.ansible
systemctl daemon-reload
systemctl reset-failed bench.service 2>/dev/null
true
"""
LOOK = r"""
ask() { systemctl show --value --property "$1" bench.service; }
ask ActiveState
ask InvocationID
path=$(ask FragmentPath)
[ ! "$path" ] || sha256sum <"$path"
"""
PYTHON = r"""
cd "$1"
for file in usr/bin/python3* usr/lib/python3* usr/lib/*-linux-gnu/lib*.so.*; do
    [ -e "/$file" ] || ln -s "$PWD/$file" "/$file"
done
"""
# Peers upon OpenSSH log in once to the jump host for each machine behind it, all at the same time.
MAX_STARTUPS = r"""
echo "MaxStartups 1000" >/etc/ssh/sshd_config.d/bench.conf
systemctl reload ssh
"""
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Found:
    """How the unit is on one machine: its state, which start of it this is, its file's hash."""

    active: str
    invocation: str
    sha: str

    @property
    def runs(self) -> bool:
        """Tell whether the unit that all deploy runs there."""
        text = (RECIPES / "bench.service").read_bytes()
        return self.active == "active" and self.sha == hashlib.sha256(text).hexdigest()


class Machines:
    """The machines of a lab, by address."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._names = {machine.address: machine.name for machine in lab.machines}

    def on_all(self, hosts: Sequence[str], script: str, *words: str) -> list[str]:
        """Run a shell script as root on these machines; CalledProcessError when one fails."""

        def run(host: str) -> str:
            argv = ("sh", "-c", script, "sh", *words)
            return self._lab.run(self._names[host], *argv).stdout.decode()

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [*pool.map(run, hosts)]

    def give_python(self, hosts: Sequence[str]) -> None:
        """Let these machines have Python, for ansible."""
        self.on_all(hosts, PYTHON, SHARED)

    def be_jump_host(self, host: str) -> None:
        """Let a machine accept many logins at once."""
        self.on_all([host], MAX_STARTUPS)

    def wipe(self, hosts: Sequence[str]) -> None:
        """Undo what contestants did on these machines."""
        self.on_all(hosts, WIPE)

    def look(self, hosts: Sequence[str]) -> dict[str, Found]:
        """See how the unit is on these machines."""
        said = [text.split() for text in self.on_all(hosts, LOOK)]
        # No invocation before the first start, no file and no hash when nothing is deployed.
        found = [
            Found(one[0], *one[1:3]) if len(one) > 2 else Found(one[0], "", "") for one in said
        ]
        return dict(zip(hosts, found, strict=True))

    def spoil(self, host: str) -> None:
        """Stop the unit on one machine, as somebody might by hand."""
        self.on_all([host], "systemctl stop bench.service")

    def kill(self, hosts: Sequence[str]) -> None:
        """Cut the power of these machines."""
        for host in hosts:
            self._lab.kill(self._names[host])

    def boot(self, hosts: Sequence[str]) -> None:
        """Boot these machines again."""
        for host in hosts:
            self._lab.boot(self._names[host])


def python_root(folder: Path) -> Path:
    """Return a Debian with Python, made once in a minute; CalledProcessError if it cannot be."""
    root = folder / "python"
    if root.exists():
        return root
    fresh = folder / "python.new"
    shutil.rmtree(fresh, ignore_errors=True)
    source = mirror.find()
    subprocess.run(
        ("debootstrap", "--variant=minbase", "--include=python3", "bookworm", str(fresh))
        + ((source,) if source else ()),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return fresh.rename(root)

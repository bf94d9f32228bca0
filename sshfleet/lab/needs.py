"""What a lab needs of this computer, checked before anything is made.

Rule 1: `COMMANDS` is the one list; a setup script installs from it (`missing`).
"""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from sshfleet.errors import SshfleetError

COMMANDS = (  # (command, Debian package)
    ("debootstrap", "debootstrap"),
    ("wget", "wget"),  # debootstrap's own way to fetch
    ("gpgv", "gpgv"),
    ("ip", "iproute2"),
    ("mount", "mount"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("setsid", "util-linux"),
    ("unshare", "util-linux"),
    ("ssh", "openssh-client"),
    ("ssh-add", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
)
OLDEST_KERNEL = (5, 14)
KEYRING = (Path("/usr/share/keyrings/debian-archive-keyring.gpg"), "debian-archive-keyring")

# Each machine's systemd holds about six inotify instances of root's, and all machines' `core`
# share one quota of kernel keys: the defaults (128, 200) stop the boot of the 20th machine.
SETTINGS = (
    (Path("/proc/sys/fs/inotify/max_user_instances"), 16384),
    (Path("/proc/sys/kernel/keys/maxkeys"), 20000),
)


def missing() -> list[str]:
    """Return the Debian packages to install, sorted; empty when all is there."""
    packages = {package for command, package in COMMANDS if shutil.which(command) is None}
    if not KEYRING[0].exists():
        packages.add(KEYRING[1])
    return sorted(packages)


def check() -> None:
    """Raise SshfleetError with what to do, unless this computer can boot a lab."""
    check_root()
    if not sys.platform.startswith("linux"):
        raise SshfleetError("a lab needs Linux: its machines are Linux namespaces")
    if packages := missing():
        raise SshfleetError(
            f"a lab needs packages that are not installed: {', '.join(packages)}",
            hint=f"apt-get install {' '.join(packages)}",
        )
    major, minor, *_ = re.findall(r"\d+", os.uname().release)
    if (int(major), int(minor)) < OLDEST_KERNEL:
        raise SshfleetError(f"a lab needs Linux 5.14, for cgroup.kill; this is {major}.{minor}")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        raise SshfleetError(
            "this kernel offers no overlay file system", hint="try: modprobe overlay"
        )


def check_root() -> None:
    """Raise SshfleetError unless we are root."""
    if os.geteuid() != 0:
        raise SshfleetError(
            "a lab needs root: it makes network bridges, mounts and namespaces",
            hint="sudo sshfleet lab …",
        )


def raise_settings(tell: Callable[[str], None]) -> None:
    """Raise the two kernel settings that would stop machines from booting, and say so."""
    for path, needed in SETTINGS:
        if path.exists() and int(path.read_text()) < needed:
            path.write_text(f"{needed}\n")
            name = ".".join(path.parts[3:])
            tell(f"raised {name} to {needed} until this computer reboots")

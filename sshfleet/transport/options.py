"""What the command line says about SSH, and how much of it this computer can carry."""

import contextlib
import os
import resource
from dataclasses import dataclass
from enum import StrEnum

TALKING = 100
"""Key exchanges at once unless told otherwise; more only queue for this computer's processor."""

BEGUN = 500
"""Logins at once, those included that wait for a machine; others' sshd waits for us meanwhile."""

SPARE_FILES = 64
"""File descriptors kept for the journal, the agent, `ssh -G` and the like."""

MOST_FILES = 1 << 16
"""More are never asked for: some programs that we start close them all, one by one."""

CONNECTION = 200_000
"""Bytes of memory that an open connection may come to."""


class Strictness(StrEnum):
    """StrictHostKeyChecking, ssh_config(5)."""

    YES = "yes"
    ASK = "ask"
    ACCEPT_NEW = "accept-new"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """The options of the command line; empty and 0 mean "not said there".

    `strict` is a Strictness. `timeout` in seconds bounds connecting and logging in. `early_files`
    opens SFTP as soon as a machine is reached: a later `deliver` need not wait for it. Unless
    told to `keep` connections, each is closed as soon as nobody uses it.
    """

    known_hosts_file: str = ""
    strict: str = ""
    ssh_config: str = ""
    username: str = ""
    timeout: float = 10.0
    forks: int = 0
    early_files: bool = False
    keep: bool = True


def open_at_once() -> int:
    """Return how many connections may be open: as open files and half of the memory allow."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    most = max(1, memory // CONNECTION)
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft - SPARE_FILES)
    return max(1, most)


def raise_file_limit() -> None:
    """Allow this process more open files, if it may have them: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(OSError, ValueError):  # the old limit serves most fleets
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

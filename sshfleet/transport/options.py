"""What the command line says about SSH, and how many handshakes this computer can carry."""

import contextlib
import resource
from dataclasses import dataclass
from enum import StrEnum

HANDSHAKES = 100
"""Handshakes at once unless told otherwise; more only queue for this computer's processor."""

SPARE_FILES = 64
"""File descriptors kept for the journal, the agent, `ssh -G` and the like."""


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
    opens SFTP as soon as a machine is reached, so that a later `put` need not wait for it.
    """

    known_hosts_file: str = ""
    strict: str = ""
    ssh_config: str = ""
    username: str = ""
    timeout: float = 10.0
    forks: int = 0
    early_files: bool = False


def handshakes_at_once(forks: int) -> int:
    """Return how many connections may be in the making, at least one."""
    wanted = forks or HANDSHAKES
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        wanted = min(wanted, soft - SPARE_FILES)
    return max(1, wanted)


def raise_file_limit() -> None:
    """Allow this process as many open files as it may have: each machine keeps one open."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # the old limit serves most fleets
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

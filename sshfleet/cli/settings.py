"""Global options as typed values: flag > environment > inventory > default."""

from dataclasses import dataclass
from enum import StrEnum


class Output(StrEnum):
    """What lists and plans are printed as."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


class Strict(StrEnum):
    """StrictHostKeyChecking, as in OpenSSH."""

    YES = "yes"
    ASK = "ask"
    ACCEPT_NEW = "accept-new"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Empty text and None mean "not said"; times in seconds, `keep_history` in days."""

    inventory: str = ""
    journal: str = ""
    output: Output = Output.TABLE
    known_hosts_file: str = ""
    strict: Strict | None = None
    ssh_config: str = ""
    ssh_username: str = ""
    ssh_timeout: float = 10.0
    timeout: float = 90.0
    forks: int = 0
    no_color: bool = False
    debug: bool = False
    quiet: bool = False
    lock_wait: float = 0.0
    allow_network_fs: bool = False
    keep_history: float = 90.0
    words: tuple[str, ...] = ()

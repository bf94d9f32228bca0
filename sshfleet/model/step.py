"""What a transport carries to a machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A POSIX sh script and its input.

    `script` is constant text; `data` reaches its standard input and is the only way in for
    anything variable. `root` asks for the inventory's become. `seconds` bounds it, on the machine
    (`timeout -k`) and, a little later, here.
    """

    script: str
    data: bytes = b""
    root: bool = True
    seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What came back; `status` None means that the outcome is unknown (connection lost)."""

    status: int | None
    stdout: bytes
    stderr: bytes

"""Which columns a list has: `--fields`, defaults, and what to say to a wrong one."""

from collections.abc import Sequence
from difflib import get_close_matches

from sshfleet.errors import UsageError

FIELDS = {
    "list-machines": (
        ("machine", "ip", "metadata", "name", "status"),
        (
            "os",
            "arch",
            "systemd",
            "cpus",
            "memory",
            "units",
            "cordoned",
            "seen",
            "trouble",
            "since",
            "detail",
        ),
    ),
    "list-units": (
        ("unit", "machine", "active", "sub"),
        ("load", "hash", "name", "drift", "seen"),
    ),
    "list-unit-files": (
        ("unit", "hash", "dstate", "state", "target"),
        ("tmachine", "global", "desc", "name"),
    ),
    "history": (
        ("when", "who", "unit", "machine", "what"),
        ("command", "kind", "from", "to", "reason", "result", "took"),
    ),
}


def chosen(verb: str, said: str | None) -> tuple[str, ...]:
    """Return the columns of `--fields`, in its order, or the defaults; raise UsageError."""
    default, more = FIELDS[verb]
    if said is None:
        return default
    names = tuple(said.split(","))
    if not said.strip():
        raise UsageError("Must define output format", hint=_valid(default + more))
    for name in names:
        if name not in default + more:
            close = get_close_matches(name, default + more, n=1)
            also = f"did you mean {close[0]}? " if close else ""
            raise UsageError(
                f'Invalid key in output format: "{name}"', hint=also + _valid(default + more)
            )
    return names


def _valid(names: Sequence[str]) -> str:
    return "--fields takes some of " + ",".join(names)

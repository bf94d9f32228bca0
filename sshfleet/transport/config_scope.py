"""Which addresses ssh_config(5) treats alike, so that one `ssh -G` answers for all of them.

Only what decides that is read here: Host patterns, and whether anything depends on more than them.
What holds for an address is still said by OpenSSH alone.

Rule 1: in doubt every address is asked for by itself: after `Match`, where a value we use holds a
token such as %h, where names are canonicalized, or where a file cannot be read.
"""

import glob
import os
import pwd
import re
from collections.abc import Iterator
from pathlib import Path

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
DEEPEST = 16
"""Include within Include, as in OpenSSH."""

NAMES_THE_ADDRESS = frozenset(
    {"hostname", "hostkeyalias", "proxyjump", "proxycommand", "user", "userknownhostsfile"}
)
LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*?)\s*")

Patterns = tuple[str, ...]


class _Doubt(Exception):
    """One answer may not serve for two addresses."""


class Scope:
    """The Host lines of all files that ssh reads."""

    def __init__(self, file: str = "") -> None:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # ssh does not look at HOME
        user, system = home / ".ssh", SYSTEM_CONFIG.parent
        files = [(Path(file), user)] if file else [(user / "config", user), (SYSTEM_CONFIG, system)]
        self._hosts: tuple[Patterns, ...] | None
        try:
            self._hosts = tuple(
                patterns for path, folder in files for patterns in _hosts(path, folder, DEEPEST)
            )
        except (_Doubt, OSError):
            self._hosts = None

    def key(self, address: str) -> tuple[bool, ...] | None:
        """Return what two addresses that are treated alike have in common; None: ask for each."""
        if self._hosts is None:
            return None
        return tuple(_is_one_of(patterns, address) for patterns in self._hosts)


def _hosts(path: Path, folder: Path, depth: int) -> Iterator[Patterns]:
    try:
        lines = path.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        if (found := LINE.fullmatch(line)) is None:
            continue
        keyword, value = found[1].lower(), found[2]
        if keyword == "host":
            yield tuple(value.replace('"', " ").split())
        elif keyword == "include":
            for included in _included(value, folder, depth):
                yield from _hosts(included, folder, depth - 1)
        elif _depends_on_the_address(keyword, value):
            raise _Doubt


def _depends_on_the_address(keyword: str, value: str) -> bool:
    if keyword == "match":
        return value.lower() != "all"
    if keyword == "canonicalizehostname":
        return value.lower() != "no"
    return keyword in NAMES_THE_ADDRESS and "%" in value


def _included(value: str, folder: Path, depth: int) -> Iterator[Path]:
    if not depth or "$" in value or '"' in value:
        raise _Doubt
    for pattern in value.split():
        anchored = folder / Path(pattern).expanduser()
        yield from map(Path, sorted(glob.glob(str(anchored))))  # noqa: PTH207 - also absolute ones


def _is_one_of(patterns: Patterns, address: str) -> bool:
    """Match as PATTERNS in ssh_config(5) says: one that is negated and fits rules the line out."""
    fits = False
    for pattern in patterns:
        plain = re.escape(pattern.removeprefix("!")).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(plain, address):
            if pattern.startswith("!"):
                return False
            fits = True
    return fits

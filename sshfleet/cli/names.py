"""Names of units and machines, kept for completion by every command that read them.

One file a fleet in $XDG_CACHE_HOME/sshfleet (~/.cache without it): its first line says of which
inventory and journal, then each line is `u` or `m` and a name.

Rule 1: it is only a cache: what cannot be kept is not, and no command fails for it.
Rule 2: it is read before anything heavy is imported, pathlib among it; only `keep` needs more.
Rule 3: nothing is written in a folder that is not ours, nor through a symbolic link.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from stat import S_ISREG
from zlib import crc32

MOST = 64
"""Fleets of which names are kept; those that were not asked about for longest go first."""


def known(inventory: str, journal: str, environ: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return units and machines last seen by a command for this inventory and journal.

    Both are as the command line says them, empty where it does not.
    """
    inventory = inventory or environ.get("SSHFLEET_INVENTORY", "") or _default_inventory(environ)
    which = fleet_key(inventory, journal or environ.get("SSHFLEET_JOURNAL", ""))
    first, *lines = _read(f"{folder(environ)}/{file_name(which)}").split("\n")
    if first != which:
        return [], []
    units = [line[2:] for line in lines if line.startswith("u ")]
    return units, [line[2:] for line in lines if line.startswith("m ")]


def keep(
    which: str, units: Iterable[str], machines: Iterable[str], environ: Mapping[str, str]
) -> None:
    """Keep the names of a fleet (`fleet_key`), if they are others than before."""
    from sshfleet.errors import SshfleetError

    lines = [which, *(f"u {name}" for name in sorted(units)), *(f"m {name}" for name in machines)]
    place, name, text = folder(environ), file_name(which), "\n".join(lines)
    with suppress(OSError, ValueError, SshfleetError):
        if place and _read(f"{place}/{name}") != text:
            _replace(place, name, text)


def fleet_key(inventory: str, journal: str) -> str:
    """Return what tells the names of one fleet from those of another, in one line."""
    return f"{_absolute(inventory)}\t{_absolute(journal)}".replace("\n", " ")


def folder(environ: Mapping[str, str]) -> str:
    """Return where names are kept; nothing for a user without a home."""
    cache, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if not cache.startswith("/"):
        cache = f"{home}/.cache" if home.startswith("/") else ""
    return f"{cache}/sshfleet" if cache else ""


def file_name(which: str) -> str:
    """Return the name of the file for a fleet."""
    return f"names-{crc32(os.fsencode(which)):08x}"


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path)) if path else ""  # noqa: PTH100, PTH111 - as above


def _default_inventory(environ: Mapping[str, str]) -> str:
    """Return the inventory that `inventory.find_inventory` would find."""
    if os.path.lexists("inventory.yaml"):
        return "inventory.yaml"
    config, home = environ.get("XDG_CONFIG_HOME", ""), environ.get("HOME", "")
    return f"{config if config.startswith('/') else f'{home}/.config'}/sshfleet/inventory.yaml"


def _read(path: str) -> str:
    """Return the text of a plain file of ours; nothing where it is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    try:
        status, data = os.fstat(fd), b""
        if status.st_uid == os.geteuid() and S_ISREG(status.st_mode):
            while part := os.read(fd, status.st_size + 1):
                data += part
        return os.fsdecode(data)
    except OSError:
        return ""
    finally:
        os.close(fd)


def _replace(place: str, name: str, text: str) -> None:
    """Write a file anew, all at once; raise OSError, JournalError."""
    from pathlib import Path

    from sshfleet.journal.files import Folder

    for missing in (os.path.dirname(place), place):  # noqa: PTH120 - as above
        if os.stat(os.path.dirname(missing)).st_uid == os.geteuid():  # noqa: PTH116, PTH120
            with suppress(FileExistsError):
                os.mkdir(missing, 0o700)  # noqa: PTH102
    with Folder.open(Path(place), allow_network_fs=True) as ours:
        staged = f".{name}.{os.getpid()}"
        ours.stage(staged, os.fsencode(text), durable=False)
        ours.rename(staged, name)
        others = sorted((one for one in ours.names() if one != name), key=ours.modified)
        for old in others[: len(others) + 1 - MOST]:
            ours.remove(old)

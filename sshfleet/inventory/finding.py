"""Which inventory is meant."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sshfleet.errors import InventoryError

FILE_NAME = "inventory.yaml"
HOW_TO_GET_ONE = (
    "write one as inventory.example.yaml shows, name it with --inventory PATH, "
    "or try `sshfleet lab up`"
)


def find_inventory(said: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Choose the inventory: the one said, ./inventory.yaml, then the one in the user's config.

    `said` is not looked at here: `load_inventory` says what is wrong with it. With `Path()` as
    `cwd` the path, and so the place in each error, stays as short as the user would write it.
    Raises InventoryError when nothing was said and neither file is there.
    """
    if said:
        return cwd / said
    candidates = [cwd / FILE_NAME, *config_file(environ)]
    for candidate in candidates:
        # A dangling link counts as found: silently taking the next file would be a surprise.
        if os.path.lexists(candidate):
            return candidate
    looked_at = " and ".join(str(candidate) for candidate in candidates)
    raise InventoryError(f"no inventory: looked for {looked_at}", hint=HOW_TO_GET_ONE)


def config_file(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the inventory's place in the user's configuration, if the user has a home.

    A relative $XDG_CONFIG_HOME is ignored, as the XDG Base Directory Specification asks.
    """
    configured = environ.get("XDG_CONFIG_HOME", "")
    home = environ.get("HOME", "")
    if Path(configured).is_absolute():
        yield Path(configured, "sshfleet", FILE_NAME)
    elif Path(home).is_absolute():
        yield Path(home, ".config", "sshfleet", FILE_NAME)

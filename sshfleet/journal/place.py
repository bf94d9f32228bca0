"""Where a journal lies when nobody says, and what its folder tells a passer-by."""

import re
from collections.abc import Mapping
from pathlib import Path

from sshfleet.errors import InventoryError, JournalError

README = """\
This folder belongs to sshfleet. It is the memory of one fleet: which units are wanted, and on
which machines they were placed. Keep it, back it up as a whole, and do not edit it.

journal.jsonl       what was decided, one checksummed line each
journal.jsonl.lock  held while a command works; it stays, and is harmless
observed.json       what was last seen on the machines; may be deleted

The format, how to check it by hand, and how to mend it: docs/journal.md in sshfleet's source.
"""


def default_path(fleet_name: str, environ: Mapping[str, str]) -> Path:
    """Return $XDG_STATE_HOME/sshfleet/<fleet>/journal.jsonl (~/.local/state without it).

    Raises InventoryError when the name cannot name a folder, JournalError without a home.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", fleet_name):
        raise InventoryError(
            f"{fleet_name!r:.80} cannot be a fleet's name",
            hint="use letters, digits, dot, dash and underscore; it names the journal's folder",
        )
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):  # the specification: a relative path is to be ignored
        home = environ.get("HOME", "")
        if not home.startswith("/"):
            raise JournalError(
                "there is no home folder to keep the journal in",
                hint="set HOME, or say --journal PATH",
            )
        state = f"{home}/.local/state"
    return Path(state, "sshfleet", fleet_name, "journal.jsonl")

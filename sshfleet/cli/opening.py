"""Opening the journal for a command that changes something; waiting for another one to end."""

import shlex
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from sshfleet.cli.context import Context, now, whoami
from sshfleet.errors import JournalBusy

if TYPE_CHECKING:
    from sshfleet.journal.store import Journal


def opened(context: Context) -> "Journal":
    """Open the journal, waiting for its lock as long as the user allows; raise as Journal.open."""
    wait = context.settings.lock_wait
    try:
        return _open(context, 0.0)
    except JournalBusy as busy:
        if not wait:
            raise
        if sys.stderr.isatty():
            context.note(f"{busy.message}; waiting up to {wait:g} s")
    return _open(context, wait)


def _open(context: Context, wait: float) -> "Journal":
    from sshfleet.journal.store import Journal

    return Journal.open(
        context.journal_path,
        by=whoami(),
        command=shlex.join(("sshfleet", *context.settings.words)),
        now=now,
        lock_wait=wait,
        allow_network_fs=context.settings.allow_network_fs,
        keep=timedelta(days=context.settings.keep_history),
    )

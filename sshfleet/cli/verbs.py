"""The verbs and the modules they are in, so that one verb need not wait for all the others.

Rule 1: a module of verbs has `register`, which adds them. tests/cli/test_verbs.py holds the table
against what the modules add.
"""

from collections.abc import Iterable
from importlib import import_module

import typer

MODULES: dict[str, tuple[str, ...]] = {
    "lists": ("list-machines", "list-units", "list-unit-files"),
    "units": ("submit", "load", "start", "restart", "stop", "unload", "destroy", "cat"),
    "machines": ("status", "journal", "ssh", "verify"),
    "explaining": ("explain",),
    "planning": ("plan",),
    "reconcile": ("reconcile",),
    "timer": ("install-timer",),
    "cordoning": ("cordon", "uncordon"),
    "draining": ("drain",),
    "evicting": ("evict",),
    "history": ("history",),
    "adopting": ("adopt",),
    "repairing": ("journal-repair",),
    "doctor": ("doctor",),
    "lease": ("lease",),
    "lab": ("lab",),
}
"""In the order of the help."""

ROOT = ("version", "help")
"""Verbs of the root itself."""

VERBS = frozenset({verb for verbs in MODULES.values() for verb in verbs} | {*ROOT})


def register(app: typer.Typer, verb: str) -> None:
    """Add the verbs of the module that has `verb`; those of all modules where it is no verb."""
    for name in MODULES if verb not in VERBS else _having(verb):
        import_module(f"sshfleet.cli.{name}").register(app)


def _having(verb: str) -> Iterable[str]:
    return (name for name, verbs in MODULES.items() if verb in verbs)

"""Importing asyncssh in three quarters of the time: what it takes up and we never use stays out.

Rule 1: left out is only what asyncssh itself calls optional and `arguments.FIXED` switches off.
Rule 2: a library that this computer has is used as if we had not meddled, liboqs among them.
Rule 3: when asyncssh is there, all is as it was before.
"""

import ctypes.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPTIONAL = "asyncssh.crypto.x509"
"""Certificates of X.509: a tenth of the time, nearly all of it in cryptography.x509."""

LOADER_CACHE = Path("/etc/ld.so.cache")
ELSEWHERE = ("LD_LIBRARY_PATH", "LIBRARY_PATH")
"""Variables that name further folders for a linker to look into."""


def load_asyncssh() -> None:
    """Import asyncssh, unless it is there already."""
    if "asyncssh" not in sys.modules:
        with _without(OPTIONAL), _no_compiler_for_missing_libraries():
            import asyncssh  # noqa: F401 - those who use it import it by themselves


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Let importing a module raise ModuleNotFoundError, which None in its place means to Python."""
    modules: dict[str, Any] = sys.modules
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


@contextmanager
def _no_compiler_for_missing_libraries() -> Iterator[None]:
    """Answer for libraries that the loader of programs does not know without starting gcc and ld.

    `find_library` asks them as a last resort: 50 ms for liboqs, which few have. What only they
    find the loader does not, so asyncssh would have gone on without it all the same.
    """
    find = ctypes.util.find_library
    known = b"" if any(map(os.environ.get, ELSEWHERE)) else _known_to_the_loader()

    def quickly(name: str) -> str | None:
        return find(name) if f"/lib{name}.".encode() in known else None

    if known:
        ctypes.util.find_library = quickly
    try:
        yield
    finally:
        ctypes.util.find_library = find


def _known_to_the_loader() -> bytes:
    """Return glibc's list of libraries, nothing where there is none (musl, macOS)."""
    try:
        return LOADER_CACHE.read_bytes()
    except OSError:
        return b""

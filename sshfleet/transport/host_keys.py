"""Whether to believe the host key a machine shows.

Rule 1: a pin in the inventory decides alone; otherwise the known_hosts files do.
Rule 2: a changed key is never learnt and a revoked one never accepted, whatever was asked for,
except that `no` accepts a changed one with a warning each time.
Rule 3: a key is written down only after its owner proved to hold it, or a person vouched for it.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from sshfleet.model.observed import Trouble
from sshfleet.transport.base import TransportError
from sshfleet.transport.known_hosts import (
    Entry,
    Facts,
    HostKey,
    KnownHosts,
    Standing,
    hashed_name,
    lookup_name,
    parse,
    parse_key,
)
from sshfleet.transport.options import Strictness
from sshfleet.transport.resolve import Route

Ask = Callable[[str], Awaitable[bool]]
Warn = Callable[[str], None]
PIN_PLACE = "inventory"
UNSAFE_IN_NAMES = set(' \t\r\n,*?!|#@\\"')


class HostKeys:
    """The known_hosts files, read once a run, and the policy about keys they do not have."""

    def __init__(self, ask: Ask | None, warn: Warn) -> None:
        self._ask, self._warn = ask, warn
        self._asking = asyncio.Lock()
        self._read: dict[tuple[Path, ...], KnownHosts] = {}

    def facts(self, route: Route) -> Facts:
        """Return what is known of a machine; raises TransportError for a pin that is no key."""
        if route.pin:
            key = parse_key(route.pin)
            if key is None:
                message = f"host_key of {route.name} in the inventory is not a public key"
                raise TransportError(Trouble.HOST_KEY, message, hint="host_key: ssh-ed25519 AAAA…")
            return Facts(keys=(Entry(marker="", names="", key=key, place=PIN_PLACE),))
        return self._known(route).facts(route.host, route.port, route.alias)

    def accepts(self, route: Route, key: HostKey) -> bool:
        """Decide about a key at once; what a person must be asked about is not accepted."""
        standing = self.facts(route).judge(key)
        if standing is Standing.KNOWN:
            return True
        if route.pin or standing is Standing.REVOKED:
            return False
        if route.strict is Strictness.NO:
            self._warn(f"{route.name} shows a host key that is {standing}: {_shown(key)}")
            return True
        return route.strict is Strictness.ACCEPT_NEW and standing is Standing.UNKNOWN

    def proven(self, route: Route, key: HostKey) -> None:
        """Note a key whose owner has just proved to hold it."""
        unknown = self.facts(route).judge(key) is Standing.UNKNOWN
        if unknown and route.strict is Strictness.ACCEPT_NEW:
            self._learn(route, key)

    async def vouched_for(self, route: Route, key: HostKey) -> bool:
        """Ask a person about an unknown key, one question at a time, and learn it on a yes."""
        if route.strict is not Strictness.ASK or self._ask is None:
            return False
        async with self._asking:
            standing = self.facts(route).judge(key)
            if standing is not Standing.UNKNOWN:
                return standing is Standing.KNOWN
            where = f"{route.name} ({lookup_name(route.host, route.port)})"
            if not await self._ask(f"{where} shows an unknown host key: {_shown(key)}. Trust it?"):
                return False
            self._learn(route, key)
            return True

    def refusal(self, route: Route, key: HostKey) -> TransportError:
        """Return the error that explains why this key was not believed."""
        facts = self.facts(route)
        standing = facts.judge(key)
        name = route.alias or lookup_name(route.host, route.port)
        if standing is Standing.UNKNOWN:
            message = f"the host key of {route.name} is unknown: {_shown(key)}"
            hint = f"compare it, then {_how_to_learn(route)}"
        elif standing is Standing.CHANGED and route.pin:
            message = (
                f"the host key of {route.name} is not the one pinned: {_difference(facts, key)}"
            )
            hint = "find out why before you change host_key in the inventory"
        elif standing is Standing.CHANGED:
            message = f"the host key of {route.name} has changed: {_difference(facts, key)}"
            file = facts.keys[0].place.rpartition(":")[0]
            hint = f"find out why; if it is right: ssh-keygen -R '{name}' -f '{file}'"
        else:
            places = ", ".join(entry.place for entry in facts.revoked)
            message = f"the host key of {route.name} is revoked at {places}: {_shown(key)}"
            hint = "give the machine a new host key; nobody can trust this one again"
        return TransportError(Trouble.HOST_KEY, message, hint=hint)

    def _known(self, route: Route) -> KnownHosts:
        files = (*route.user_files, *route.global_files)
        if files not in self._read:
            self._read[files] = KnownHosts(_entries(files))
        return self._read[files]

    def _learn(self, route: Route, key: HostKey) -> None:
        name = route.alias or lookup_name(route.host, route.port)
        file = route.user_files[0] if route.user_files else Path(os.devnull)
        entry = Entry(marker="", names=name, key=key, place=str(file))
        for files, known in self._read.items():
            if file in files or files == (*route.user_files, *route.global_files):
                known.add(entry)
        if set(name) & UNSAFE_IN_NAMES:
            self._warn(f"{name!r} cannot be written to a known_hosts file")
            return
        written = hashed_name(name, secrets.token_bytes(20)) if route.hash_names else name
        try:
            append(file, f"{written} {key.line}")
        except OSError as error:
            self._warn(f"the host key of {route.name} was not written to {file}: {error.strerror}")


def append(file: Path, line: str) -> None:
    """Add a line to a known_hosts file, made private if it is new; raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (b"\n" if torn else b"") + line.encode() + b"\n")
        with contextlib.suppress(OSError):  # a pipe or /dev/null has nothing to sync
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(files: Iterable[Path]) -> Iterator[Entry]:
    for file in files:
        try:
            text = file.read_bytes().decode("utf-8", "backslashreplace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            message = f"cannot read {file}: {error.strerror}"
            raise TransportError(Trouble.FAULT_HERE, message) from error
        yield from parse(text, str(file))


def _shown(key: HostKey) -> str:
    return f"{key.kind} {key.fingerprint}"


def _difference(facts: Facts, key: HostKey) -> str:
    same_type = [entry for entry in facts.keys if entry.key.kind == key.kind]
    known = (same_type or list(facts.keys))[0]
    return f"it shows {_shown(key)}, {known.place} has {_shown(known.key)}"


def _how_to_learn(route: Route) -> str:
    file = route.user_files[0] if route.user_files else "~/.ssh/known_hosts"
    if route.jump or route.alias:
        return f"`ssh {route.name}` once, or set host_key in the inventory"
    return f"ssh-keyscan -p {route.port} {route.host} >> {file}"

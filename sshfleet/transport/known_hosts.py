"""known_hosts files, sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT": which keys a name is known by.

Pure: text in, entries out. Lines that make no sense are passed over, as OpenSSH does.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

MARKERS = ("@cert-authority", "@revoked")
SSH_PORT = 22


class Standing(StrEnum):
    """What we know of a key that a machine shows."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A public key: its type such as ssh-ed25519, and its bytes."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """Return what `ssh-keygen -l` shows."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"

    @property
    def line(self) -> str:
        """Return it as it stands in a .pub file, without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a known_hosts file; `place` is file:line."""

    marker: str
    names: str
    key: HostKey
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known of one host.

    `keys` are its own, `namesakes` those of the plain name when it is at a port of its own: as in
    OpenSSH these can speak for a key, never against it. `authorities` sign host certificates.
    """

    keys: tuple[Entry, ...] = ()
    namesakes: tuple[Entry, ...] = ()
    authorities: tuple[Entry, ...] = ()
    revoked: tuple[Entry, ...] = ()

    def judge(self, key: HostKey) -> Standing:
        """Return what to think of a key that the host shows.

        A key of another type than those we know counts as changed: a host that still had the key
        we know would have shown that one, for it was asked for first.
        """
        if any(entry.key == key for entry in self.revoked):
            return Standing.REVOKED
        if any(entry.key == key for entry in (*self.keys, *self.namesakes)):
            return Standing.KNOWN
        return Standing.CHANGED if self.keys else Standing.UNKNOWN


def lookup_name(host: str, port: int) -> str:
    """Return the name a host is listed under."""
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def parse_key(text: str) -> HostKey | None:
    """Read `type base64 [comment]`; None when it is not that."""
    kind, _, rest = text.strip().partition(" ")
    try:
        blob = base64.b64decode((rest.split() or [""])[0], validate=True)
    except (binascii.Error, ValueError):
        return None
    # The bytes repeat the type: a line whose two halves disagree is damaged.
    repeated = kind.encode()
    if not repeated or blob[: 4 + len(repeated)] != len(repeated).to_bytes(4, "big") + repeated:
        return None
    return HostKey(kind=kind, blob=blob)


def parse(text: str, file: str) -> Iterator[Entry]:
    """Yield the entries of a known_hosts file."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split(None, 1)
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if marker:
            words = words[0].split(None, 1) if words else []
        if len(words) < 2 or words[0].startswith("#") or marker not in ("", *MARKERS):
            continue
        if key := parse_key(words[1].replace("\t", " ")):
            yield Entry(marker=marker, names=words[0], key=key, place=f"{file}:{number}")


class KnownHosts:
    """The entries of some files, found quickly by name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact: dict[str, list[Entry]] = {}
        self._others: list[Entry] = []
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Learn one more line."""
        if set(entry.names) & set("|*?!"):
            self._others.append(entry)
            return
        for name in entry.names.split(","):
            self._exact.setdefault(name.lower(), []).append(entry)

    def facts(self, host: str, port: int, alias: str = "") -> Facts:
        """Return what is known of a host."""
        if alias:
            return self._named(alias)
        facts = self._named(lookup_name(host, port))
        if port == SSH_PORT:
            return facts
        plain = self._named(lookup_name(host, SSH_PORT))
        revoked = facts.revoked + plain.revoked
        if facts.keys or facts.authorities:
            return replace(facts, revoked=revoked)
        return Facts(namesakes=plain.keys, authorities=plain.authorities, revoked=revoked)

    def _named(self, name: str) -> Facts:
        found: dict[str, list[Entry]] = {marker: [] for marker in ("", *MARKERS)}
        others = (entry for entry in self._others if matches(entry.names, name))
        for entry in (*self._exact.get(name.lower(), ()), *others):
            found[entry.marker].append(entry)
        keys, authorities, revoked = (tuple(entries) for entries in found.values())
        return Facts(keys=keys, authorities=authorities, revoked=revoked)


def matches(names: str, name: str) -> bool:
    """Tell whether the first field of a line means this name."""
    if names.startswith("|1|"):
        return _is_hash_of(names, name)
    wanted = False
    for pattern in names.split(","):
        if _is_like(pattern.removeprefix("!"), name):
            if pattern.startswith("!"):
                return False
            wanted = True
    return wanted


def _is_hash_of(hashed: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in hashed.split("|")[2:])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)


def _is_like(pattern: str, name: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern.lower() == name.lower()
    plain = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(plain, name, re.IGNORECASE) is not None


def hashed_name(name: str, salt: bytes) -> str:
    """Return a name as HashKnownHosts writes it."""
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"

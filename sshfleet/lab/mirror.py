"""Find the Debian package mirror this computer already uses, in its apt configuration.

Rule 1: an entry counts only if it is Debian's own archive (a suite of Debian, component main): the
        mirror of another distribution, or of some vendor, has no Debian to offer.
"""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

APT = Path("/etc/apt")
DEBIAN_SUITES = frozenset(
    ("bookworm", "forky", "oldstable", "sid", "stable", "testing", "trixie", "unstable")
)


def find(apt: Path = APT) -> str:
    """Return the URI of the first Debian archive configured; "" when there is none."""
    for uris, suites, components in _entries(apt):
        if DEBIAN_SUITES & set(suites) and "main" in components:
            for uri in uris:
                if uri.startswith(("http://", "https://", "file:/")):
                    return uri
    return ""


Entry = tuple[list[str], list[str], list[str]]  # URIs, suites, components


def _entries(apt: Path) -> Iterator[Entry]:
    folder = apt / "sources.list.d"
    for path in (apt / "sources.list", *sorted(folder.glob("*.list"))):
        for line in _text(path).splitlines():
            yield from _one_line(line)
    for path in sorted(folder.glob("*.sources")):
        for stanza in _text(path).split("\n\n"):
            yield from _stanza(stanza)


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(errors="replace")
    return ""


def _one_line(line: str) -> Iterator[Entry]:
    """Read `deb [options] URI SUITE COMPONENT…`, see sources.list(5)."""
    line = line.partition("#")[0]
    if "[" in line:
        before, _, rest = line.partition("[")
        line = before + rest.partition("]")[2]
    with suppress(ValueError):
        kind, uri, suite, *components = shlex.split(line)
        if kind == "deb":
            yield [uri], [suite], components


def _stanza(text: str) -> Iterator[Entry]:
    """Read a deb822 stanza; values of several lines keep only their first, enough for ours."""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith(("#", " ", "\t")):
            fields[key.strip().lower()] = value.split()
    if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
        yield tuple(fields.get(key, []) for key in ("uris", "suites", "components"))  # type: ignore[misc]

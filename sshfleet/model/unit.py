"""Unit names and registered units.

Names follow systemd.unit(5) within fleet's limits: letters, digits and `:_.\\@-`, a known suffix,
at most 255 characters (a file name). A name that passed `checked_name` is safe as a file name, as
an argument after `--`, and between single quotes of any shell.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

from sshfleet.errors import UnitFileError
from sshfleet.model.requirements import Requirements

UnitName = NewType("UnitName", str)

# The kinds fleetctl recognised: any other suffix is taken for a part of the name ...
KINDS = ("service", "socket", "timer", "path", "device", "mount", "automount")
# ... and those of which fleet allowed templates and instances.
TEMPLATE_KINDS = ("path", "service", "socket", "timer")

_STEM = re.compile(r"[A-Za-z0-9:_.\\@-]+")
_MAX = 255


def mangled(argument: str) -> str:
    """Turn a command-line argument into a unit name: base name, `.service` when no kind is said."""
    base = argument.rsplit("/", 1)[-1]
    return base if base.rpartition(".")[2] in KINDS and "." in base else base + ".service"


def checked_name(name: str) -> UnitName:
    """Return `name` when it may be a unit's name; raise UnitFileError when not."""
    if problem := _problem(name):
        raise UnitFileError(
            f"'{_shown(name)}' is not a unit name: {problem}",
            hint="a name is like web.service, web@1.service or db-data.mount",
        )
    return UnitName(name)


def _problem(name: str) -> str:
    stem, dot, kind = name.rpartition(".")
    if not name or not dot or not stem:
        return "it needs a name and a kind, as in web.service"
    if len(name) > _MAX:
        return f"it is longer than {_MAX} characters"
    if kind not in KINDS:
        return f"'.{_shown(kind)}' is none of " + ", ".join("." + known for known in KINDS)
    if not _STEM.fullmatch(stem):
        return "only letters, digits and : _ . \\ @ - may be used"
    if stem.startswith(("@", "-", ".")):
        return f"it may not begin with '{stem[0]}'"
    if "@" in stem and kind not in TEMPLATE_KINDS:
        return f"a .{kind} unit cannot be a template"
    return ""


def _shown(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")[:80]


def is_template(name: str) -> bool:
    """Tell whether `name` is a template such as web@.service."""
    return name.rpartition(".")[0].partition("@")[1:] == ("@", "")


def instance_of(name: str) -> str:
    """Return what stands between the first `@` and the last `.`, or nothing."""
    return name.rpartition(".")[0].partition("@")[2]


def template_of(name: str) -> UnitName | None:
    """Return the template of an instance (web@1.service → web@.service), None for other units."""
    stem, dot, kind = name.rpartition(".")
    prefix, _, instance = stem.partition("@")
    return UnitName(f"{prefix}@{dot}{kind}") if instance else None


def dropin_problem(name: str) -> str:
    """Say why `name` cannot be that of a drop-in; nothing when it can."""
    stem, _, kind = name.rpartition(".")
    if kind != "conf" or not stem:
        return "it does not end in .conf"
    if len(name) > _MAX:
        return f"it is longer than {_MAX} characters"
    if not _STEM.fullmatch(stem):
        return "only letters, digits and : _ . \\ @ - may be used"
    if stem.startswith(("@", "-", ".")):
        return f"it may not begin with '{stem[0]}'"
    return ""


def content_hash(sha256: str, dropins: Mapping[str, str]) -> str:
    """Return what tells one content from another, given the SHA-256 of text and drop-ins.

    Without drop-ins it is that of the text, else SHA-256 of what this prints in web.service.d:
    `sha256sum - *.conf <../web.service`. No text is ever taken for a text with drop-ins, since no
    unit file begins like that.
    """
    if not dropins:
        return sha256
    lines = [f"{sha256}  -\n", *(f"{dropins[name]}  {name}\n" for name in sorted(dropins))]
    return sha256_of("".join(lines))


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text's bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Leasing:
    """Whether a unit can run under a lease, or `why_not`, and how many seconds it takes to end.

    `own`: its time to stop is its own; else it is given one.
    """

    why_not: str = ""
    seconds: float = 25.0
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit whose text was read and found valid (`unitfile.read.read_unit`).

    `sha256` is of the text's exact bytes, `dropins` maps the file names of its drop-ins to their
    texts. The rest is of all these together. `hash` is fleet's: SHA-1 of the normal form (40 hex
    digits), shown to users. `installs`: [Install] has options.
    """

    name: UnitName
    text: str
    sha256: str
    hash: str
    description: str
    requirements: Requirements
    installs: bool
    dropins: Mapping[str, str] = field(default_factory=dict, hash=False)
    leasing: Leasing = Leasing()

    @property
    def sums(self) -> dict[str, str]:
        """Return the SHA-256 of each drop-in by its file name."""
        return {name: sha256_of(text) for name, text in self.dropins.items()}

    @property
    def content(self) -> str:
        """Return what tells its content from any other."""
        return content_hash(self.sha256, self.sums)

"""systemd's own opinion of a unit file: `systemd-analyze verify`, here or on a machine.

The files are written into a private folder under the unit's real name, which is removed again
whatever happens. Measured with systemd 252 and 257: what it ignores is told as `FILE:LINE: …` and
leaves the exit code 0; what keeps the unit from starting begins with the unit's name.

Rule 1: names travel on standard input; the script is constant.
Rule 2: only what is said of the unit itself counts, not of units it would pull in.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sshfleet.model.remark import Level, Remark
from sshfleet.model.step import Completed, Run
from sshfleet.model.unit import is_template

MISSING = 127  # the exit code where there is no systemd-analyze
FAILED = 126

_SCRIPT = f"""\
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER="" SYSTEMD_URLIFY=0 SYSTEMD_LOG_LEVEL=notice
command -v systemd-analyze >/dev/null 2>&1 || exit {MISSING}
umask 077
folder=$(mktemp -d) || exit {FAILED}
trap 'rm -rf -- "$folder"' EXIT
trap 'exit 143' HUP INT TERM
printf '%s\\n' "$folder"
unit=
while IFS=' ' read -r word name size; do
    case $word in
    unit) unit=$name ;;
    file)
        case $name in */*) mkdir -p -- "$folder/${{name%/*}}" || exit {FAILED} ;; esac
        : >"$folder/$name" || exit {FAILED}
        [ "$size" -eq 0 ] && continue
        dd bs="$size" count=1 iflag=fullblock 2>/dev/null >"$folder/$name" || exit {FAILED}
        ;;
    esac
done
systemd-analyze verify --man=no "$folder/$unit" 2>&1 </dev/null
"""

# What may be on the machines though it is not on this computer.
_ELSEWHERE = re.compile(r"is not executable|not found|not loaded|does not exist|No such file")


# What follows on an error that says more.
_BARE = " has a bad unit file setting."


def analyze_run(unit: str, files: Mapping[str, str]) -> Run:
    """Ask for the opinion of one unit; `files` maps `unit` and `unit.d/name.conf` to their texts.

    As root: others may not see the programs. Files of other units let it find these.
    """
    data = [f"unit {_verified(unit)}\n".encode()]
    for name, text in files.items():
        raw = text.encode()
        data += [f"file {name} {len(raw)}\n".encode(), raw]
    return Run(script=_SCRIPT, data=b"".join(data), seconds=60.0)


def _verified(unit: str) -> str:
    """Return the name to verify: of a template, that of an instance."""
    return unit.replace("@.", "@i.") if is_template(unit) else unit


def opinion(
    unit: str, places: Mapping[str, str], done: Completed, machine: str = ""
) -> list[Remark]:
    """Read the opinion: `places` maps the unit's own files to their places for messages.

    Without a machine it is that of this computer: what is missing here may be there, so that is
    only a note.
    """
    folder, _, said = done.stdout.decode("utf-8", "backslashreplace").partition("\n")
    found = list(dict.fromkeys(_remarks(unit, places, folder, said, done.status != 0)))
    errors = [one for one in found if one.level is Level.ERROR]
    said_already = {one for one in errors[1:] if one.message.endswith(_BARE)}
    return [_told(one, unit, machine) for one in found if one not in said_already]


def _remarks(
    unit: str, places: Mapping[str, str], folder: str, said: str, failed: bool
) -> Iterator[Remark]:
    names = (_verified(unit), unit)
    located = re.compile(re.escape(folder) + r"/([^:\n]+):([0-9]+): (.*)")
    for line in said.splitlines():
        if match := located.fullmatch(line):
            if match[1] in places:
                place = f"{places[match[1]]}:{match[2]}"
                yield Remark(level=Level.WARNING, message=match[3], place=place)
        elif any(line.startswith((f"{name}: ", f"Unit {name} ")) for name in names):
            level = Level.ERROR if failed else Level.WARNING
            message = line.replace(names[0], unit).removeprefix(f"{unit}: ")
            yield Remark(level=level, message=message, place=places[unit])


def _told(remark: Remark, unit: str, machine: str) -> Remark:
    """Add where an error was found, and what to do about it."""
    if remark.level is not Level.ERROR:
        return remark
    manual = f"man systemd.{unit.rpartition('.')[2]}"
    if machine:
        return replace(remark, hint=f"systemd on {machine} says so: {manual}")
    if not _ELSEWHERE.search(remark.message):
        return replace(remark, hint=f"systemd says so: {manual}")
    return replace(
        remark,
        level=Level.NOTE,
        message=f"on this computer: {remark.message}",
        hint="ask a machine: sshfleet verify --on MACHINE",
    )

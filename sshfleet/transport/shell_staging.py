"""Files into the staging folder where there is no SFTP: the same rules, by a script."""

from collections.abc import Mapping

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.wording import one_line

# Reads `name size` lines, each followed by so many bytes; `read` takes a pipe byte by byte.
_SCRIPT = """
umask 077
set -e
cd
for d in .sshfleet .sshfleet/staging; do
    [ -e "$d" ] || [ -L "$d" ] || mkdir "$d"
    others=$(find "$d" -prune -perm /022)
    if [ -L "$d" ] || [ ! -d "$d" ] || [ ! -O "$d" ] || [ -n "$others" ]; then
        echo "$PWD/$d cannot be trusted: it must be a directory that only you may write to" >&2
        exit 1
    fi
done
cd .sshfleet/staging
fresh=
trap '[ -z "$fresh" ] || rm -f "$fresh"' EXIT
trap 'exit 1' HUP INT TERM
while read -r name size; do
    fresh=".$name.$$"
    if [ "$size" -eq 0 ]; then : >"$fresh"; else
        dd bs="$size" count=1 iflag=fullblock of="$fresh" conv=fsync 2>/dev/null
    fi
    if [ "$(wc -c <"$fresh")" -ne "$size" ]; then
        echo "$PWD/$name was not written whole" >&2
        exit 1
    fi
    mv -fT "$fresh" "$name"
    fresh=
done
find . -type f -mmin +60 -delete || :
echo
pwd -P
"""


def put_by_shell(files: Mapping[str, bytes], seconds: float) -> Run:
    """Return the run that writes files; names are checked by the caller."""
    parts = (f"{name} {len(data)}\n".encode() + data for name, data in files.items())
    return Run(script=_SCRIPT, data=b"".join(parts), root=False, seconds=seconds)


def folder_of(completed: Completed) -> str:
    """Read the folder off the last line, below whatever the login shell printed."""
    if completed.status != 0:
        why = one_line(completed.stderr) or f"status {completed.status}"
        raise TransportError(Trouble.UNMANAGEABLE, f"cannot write files: {why}")
    return completed.stdout.decode("utf-8", "backslashreplace").rstrip("\n").rpartition("\n")[2]

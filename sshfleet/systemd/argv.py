"""What only passes through: systemctl status, journalctl, the file of a unit, from its machine.

Rule 1: names and options travel on standard input, a line each; the scripts are constant.
Rule 2: the exit code of the program is that of the script.
"""

import re
from dataclasses import dataclass

from sshfleet.model.step import Run
from sshfleet.model.unit import UnitName, checked_name

_MODE = re.compile(r"[a-z][a-z-]{0,30}")

_STATUS = """\
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER="" SYSTEMD_URLIFY=0
IFS= read -r unit
exec systemctl status -l --no-pager -- "$unit" </dev/null
"""

_JOURNAL = """\
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER="" SYSTEMD_URLIFY=0
read -r unit
read -r lines
read -r output
read -r follow
set -- --no-pager --unit="$unit" --lines="$lines" --output="$output"
[ "$follow" = no ] || set -- "$@" --follow
exec journalctl "$@" </dev/null
"""

_FILE = """\
IFS= read -r unit
read -r most
for folder in /etc/sshfleet/units /run/sshfleet/units; do
    if [ -f "$folder/$unit" ] && [ ! -L "$folder/$unit" ]; then
        exec head -c "$most" -- "$folder/$unit"
    fi
done
exit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What to show of a unit's log: journalctl(1) names the modes of `output`."""

    lines: int = 10
    follow: bool = False
    output: str = "short"


def status_run(unit: UnitName) -> Run:
    """Show what systemd knows of a unit, as root, who also sees the last lines of its log."""
    return Run(script=_STATUS, data=f"{checked_name(unit)}\n".encode())


def journal_run(unit: UnitName, logs: Logs) -> Run:
    """Show a unit's log, as root: others see nothing of it. ValueError when `output` is no mode."""
    if logs.lines < 0 or not _MODE.fullmatch(logs.output):
        raise ValueError(logs)
    told = (checked_name(unit), str(logs.lines), logs.output, "yes" if logs.follow else "no")
    data = "".join(f"{line}\n" for line in told)
    return Run(script=_JOURNAL, data=data.encode(), seconds=60.0)


def file_run(unit: UnitName, most: int) -> Run:
    """Print the first `most` bytes of a unit's file in our folders; status 1 when it is not there.

    As the login user: our folders are open to all, and nobody else's files are to be seen.
    """
    return Run(script=_FILE, data=f"{checked_name(unit)}\n{most}\n".encode(), root=False)

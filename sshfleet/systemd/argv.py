"""What only passes through: `systemctl status` of a unit, from its machine.

Rule 1: names and options travel on standard input, a line each; the scripts are constant.
Rule 2: the exit code of the program is that of the script.
"""

from sshfleet.model.step import Run
from sshfleet.model.unit import UnitName, checked_name

_STATUS = """\
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER="" SYSTEMD_URLIFY=0
IFS= read -r unit
exec systemctl status -l --no-pager -- "$unit" </dev/null
"""


def status_run(unit: UnitName) -> Run:
    """Show what systemd knows of a unit, as root, who also sees the last lines of its log."""
    return Run(script=_STATUS, data=f"{checked_name(unit)}\n".encode())

"""The lease of a machine, renewed: what is to be sent, and what the machine says to it.

Rule 1: what is sent was checked here; names and numbers travel as lines on standard input.
"""

import re
from dataclasses import dataclass

from sshfleet.model.step import Completed, Run
from sshfleet.model.unit import UnitName, checked_name, is_template
from sshfleet.systemd.reply import shown, why_no_answer
from sshfleet.systemd.sh import RENEW_SCRIPT

LONGEST = 25 * 3600.0
"""Seconds: no machine takes a lease that is longer, nor acts upon one."""

_SECONDS = 20.0
_NONCE = re.compile(r"[0-9a-f]{16,64}")
_BOOT = re.compile(r"[0-9a-f-]{32,36}")
_LINEAGE = re.compile(r"[0-9A-Za-z-]{1,64}")
_MOST = 240_000  # bytes of names; the guard on the machine reads a little more


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a machine may run until when: `units` hold until its uptime on the boot `boot_id` is
    `deadline` seconds or its own clock says `wall`, whichever comes first.

    `number` grows with each renewal that a journal of this `lineage` makes; older ones are refused.
    """

    boot_id: str
    deadline: float
    wall: int
    number: int
    lineage: str
    units: tuple[UnitName, ...] = ()


def renewal(asked: Renewal, nonce: str) -> Run:
    """Spell a renewal out; `nonce` (16 to 64 hex digits) frames the answer.

    ValueError when a field is not what it should be, or there are too many units for a lease.
    """
    if min(asked.deadline, asked.wall, asked.number) < 0:
        raise ValueError(asked)
    for pattern, value in ((_NONCE, nonce), (_BOOT, asked.boot_id), (_LINEAGE, asked.lineage)):
        if not pattern.fullmatch(value):
            raise ValueError(value)
    names = sorted({checked_name(name) for name in asked.units if not is_template(name)})
    if sum(len(name) + 1 for name in names) > _MOST:
        raise ValueError(f"{len(names)} units are too many for one lease")
    until = f"{int(asked.deadline)} {asked.wall}"
    lines = [
        f"nonce\t{nonce}",
        f"lease\t{asked.boot_id} {until} {asked.number} {asked.lineage}",
        *(f"unit\t{name}" for name in names),
        "end",
    ]
    data = "".join(line + "\n" for line in lines).encode()
    return Run(script=RENEW_SCRIPT, data=data, root=True, seconds=_SECONDS)


def renewed(completed: Completed, nonce: str) -> str:
    """Return nothing when the machine took the lease, else in one line why not, not yet safe."""
    text = completed.stdout.decode("utf-8", "backslashreplace")
    answer = re.search(rf"(?m)^{re.escape(nonce)} (accepted$|refused\t(.*)$)", text)
    if answer:
        return "" if answer[1] == "accepted" else shown(answer[2]) or "it was refused"
    return why_no_answer(completed)

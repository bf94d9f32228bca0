"""What doctor finds of each machine: why it does not answer, or what is wrong there.

Rule 1: everything here is told from one look; nothing is asked of a machine for it, or changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sshfleet.errors import ExitCode
from sshfleet.model.desired import DesiredState
from sshfleet.model.finding import Finding, note, problem, well
from sshfleet.model.health import is_crashing
from sshfleet.model.machine import Fleet, MachineName
from sshfleet.model.observed import (
    Observed,
    Reached,
    Trouble,
    UnitState,
    Unreachable,
    of_another,
)
from sshfleet.model.standing import Standing
from sshfleet.ownership import strangers
from sshfleet.render.rows import ours
from sshfleet.render.standings import age, clock_time, trouble_word

OLDEST = 247
"""The oldest systemd that sshfleet works with."""

WRONG_CLOCK = 60
"""Seconds that a machine's clock may be off before it is told."""

CODES = {
    Trouble.HOST_KEY: ExitCode.HOST_KEY,
    Trouble.AUTH: ExitCode.NO_KEY,
    Trouble.OWNED: ExitCode.NOT_SO,
}
MENDS = {
    Trouble.SILENT: "check its power and network; if it is dead for good: sshfleet evict {name}",
    Trouble.HUNG: "look at its console: it is overloaded, frozen, or its disk is full",
    Trouble.NO_SSHD: "on its console: systemctl start ssh (or sshd)",
    Trouble.UNMANAGEABLE: "try: sshfleet ssh {name} true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One look at the fleet, and what is known besides."""

    fleet: Fleet
    state: DesiredState
    observed: Observed
    standings: Mapping[MachineName, Standing]
    now: datetime


def machine_findings(look: Examined) -> Iterator[Finding]:
    """Yield what is found of each machine of the inventory, in its order."""
    others = dict(strangers(look.state, look.observed))
    for machine in look.fleet.machines:
        name = machine.name
        report = look.observed.reports.get(name)
        if name in others:
            report = of_another(others[name])
        if isinstance(report, Unreachable):
            yield _away(name, report, look)
        elif isinstance(report, Reached):
            found = list(_there(name, report, look))
            yield from found or [well(name, _well(report, look.standings.get(name), look.now))]


def _away(name: MachineName, report: Unreachable, look: Examined) -> Finding:
    standing = look.standings.get(name)
    since = ""
    if standing and standing.trouble is report.trouble:
        passed = age(look.now - standing.since)
        since = f" since {_local(standing.since, look.now)} ({passed})"
    mend = report.hint or MENDS.get(report.trouble, "").format(name=name)
    code = CODES.get(report.trouble, ExitCode.UNREACHABLE)
    return problem(name, f"{trouble_word(report.trouble)}{since}: {report.detail}", mend, code)


def _well(report: Reached, standing: Standing | None, now: datetime) -> str:
    count = sum(ours(state) for state in report.units.values())
    units = f"{count} unit{'' if count == 1 else 's'}"
    since = f"answers since {_local(standing.since, now)}" if standing else "answers"
    return f"{since}; systemd {report.systemd}, {units}"


def _local(moment: datetime, now: datetime) -> str:
    return clock_time(moment.astimezone(), now.astimezone())


def _there(name: MachineName, report: Reached, look: Examined) -> Iterator[Finding]:
    """Yield what is wrong or odd on a machine that answers."""
    if report.machine in look.observed.duplicates():
        yield problem(
            name,
            f"has the machine ID of another one, {report.machine}: it is a clone",
            "give one of them a new ID: rm /etc/machine-id; systemd-machine-id-setup; reboot",
        )
    if report.systemd < OLDEST:
        what = f"has systemd {report.systemd}; sshfleet works from {OLDEST} on"
        yield problem(name, what, f"upgrade it, or leave it out: sshfleet cordon {name}")
    if not report.flock:
        what = "has no flock: units with Failover=lease cannot be placed there"
        yield note(name, what, "install util-linux there")
    if report.wall and abs(off := report.wall - int(look.now.timestamp())) > WRONG_CLOCK:
        word = "ahead" if off > 0 else "behind"
        what = f"its clock is {age(timedelta(seconds=abs(off)))} {word} of the one here"
        yield note(name, what, f"sshfleet ssh {name} sudo timedatectl set-ntp true")
    if report.busy:
        yield note(name, "another sshfleet is at work there")
    for state in report.units.values():
        if ours(state):
            yield from _unit(name, state)


def _unit(name: MachineName, state: UnitState) -> Iterator[Finding]:
    unit = state.name
    if state.load == "masked":
        mend = f"sshfleet ssh {name} sudo systemctl unmask {unit}"
        yield problem(name, f"{unit} is masked there", mend)
    elif state.active == "failed":
        result = f" ({state.result})" if state.result else ""
        yield problem(name, f"{unit} has failed{result}", f"sshfleet journal {unit}")
    elif is_crashing(state):
        restarts = f", {state.restarts} times so far" if state.restarts else ""
        what = f"{unit} crashes again and again{restarts}; systemd goes on trying"
        yield problem(name, what, f"sshfleet journal {unit}")
    if state.shadow:
        mend = f"look at it, then: sshfleet ssh {name} sudo rm {state.shadow}"
        yield problem(name, f"{unit} is hidden by {state.shadow}", mend)
    if state.strays:
        files = ", ".join(state.strays)
        yield note(name, f"{unit} has drop-ins that are not sshfleet's: {files}")

"""What doctor examines on this computer: agent, inventory, known_hosts, journal, clock.

Rule 1: each check tells what it finds and raises nothing that another check could do without.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sshfleet.cli.context import Context, now
from sshfleet.errors import ExitCode, NoUsableKey, SshfleetError
from sshfleet.model.finding import Finding, Level, note, problem, well
from sshfleet.render.rows import size
from sshfleet.render.standings import clock_time

if TYPE_CHECKING:
    from sshfleet.model.machine import Fleet
    from sshfleet.transport.keys import AgentKey

SOON = 3600  # seconds before its end at which a certificate is told of
SLACK = 60  # seconds that a file system's clock may be ahead


def failed(about: str, error: SshfleetError) -> Finding:
    """Turn an error into a finding."""
    return problem(about, str(error), error.hint, error.exit_code)


async def agent_findings(now: datetime) -> list[Finding]:
    """Examine the agent and each of its keys."""
    from sshfleet.transport.identities import MOST_OFFERED
    from sshfleet.transport.keys import agent_keys

    try:
        keys = await agent_keys()
    except NoUsableKey as error:
        return [failed("agent", error)]
    findings = [_key(key, now) for key in keys]
    if usable(findings):  # the other keys will do
        findings = [one if one.code is ExitCode.DONE else _bearable(one) for one in findings]
    if len(keys) > MOST_OFFERED:
        what = f"holds {len(keys)} keys; a machine is offered {MOST_OFFERED} of them at most"
        mend = "name the key of your machines in ssh_config: IdentityFile, IdentitiesOnly yes"
        findings.append(note("agent", what, mend))
    return findings


def usable(agent: Iterable[Finding]) -> bool:
    """Tell whether some key of the agent may still be good."""
    return any(one.level is not Level.PROBLEM for one in agent)


def _bearable(finding: Finding) -> Finding:
    return note(finding.about, finding.what, finding.mend)


def _key(key: "AgentKey", now: datetime) -> Finding:
    shown = " ".join(filter(None, (key.kind, key.fingerprint, key.comment)))
    if key.ends is None:
        return well("agent", f"key {shown}")
    left = key.ends - now.timestamp()
    moment = _moment(key.ends, now)
    if left <= 0:
        return problem(
            "agent", f"certificate {shown} ended at {moment}", "have it renewed", ExitCode.NO_KEY
        )
    what = f"certificate {shown} ends at {moment}"
    return note("agent", what, "have it renewed") if left < SOON else well("agent", what)


def _moment(seconds: float, now: datetime) -> str:
    try:
        return clock_time(datetime.fromtimestamp(seconds, UTC).astimezone(), now.astimezone())
    except (OverflowError, ValueError, OSError):
        return "a time out of reach"


def inventory_findings(context: Context) -> "tuple[Fleet | None, list[Finding]]":
    """Examine the inventory; return the fleet as well when it can be read."""
    try:
        path, fleet = context.inventory_path, context.fleet
    except SshfleetError as error:
        return None, [failed("inventory", error)]
    findings = [well("inventory", f"{path}: {_count(len(fleet.machines), 'machine')}")]
    if _others_may_write(path):
        what = f"everybody may write {path}: what is in it runs as root on your machines"
        findings.append(problem("inventory", what, f"chmod o-w {path}", ExitCode.USAGE))
    return fleet, findings


def known_hosts_findings(files: Iterable[Path]) -> Iterator[Finding]:
    """Examine the files that new host keys go into, and known ones come from."""
    there = [file for file in files if os.path.lexists(file)]
    if not there:
        yield note(
            "known_hosts", "no host key is known yet", "sshfleet list-machines asks for each"
        )
    for file in there:
        try:
            lines = file.read_bytes().splitlines()
        except OSError as error:
            what = f"{file} cannot be read: {error.strerror}"
            yield problem("known_hosts", what, f"ls -l {file}", ExitCode.HOST_KEY)
        else:
            if _others_may_write(file):
                what = f"everybody may write {file}, and so say whom to trust"
                yield problem("known_hosts", what, f"chmod go-w {file}", ExitCode.HOST_KEY)
            else:
                keys = sum(bool(line.strip()) and not line.startswith(b"#") for line in lines)
                yield well("known_hosts", f"{file}: {_count(keys, 'key')}")


def journal_findings(context: Context) -> Iterator[Finding]:
    """Examine the journal, and this computer's clock by it."""
    from sshfleet.journal.condition import condition
    from sshfleet.journal.store import read_state

    try:
        path = context.journal_path
        found = condition(path)
        _state, notes = read_state(path)
    except SshfleetError as error:
        yield failed("journal", error)
        return
    if found is None:
        yield note("journal", f"{path} is not there yet: it is made by the first command that acts")
        return
    old = f", {_count(found.archives, 'archive')}" if found.archives else ""
    yield well("journal", f"{path}: {size(found.size)}, mode {found.mode:04o}{old}")
    yield from (note("journal", each) for each in notes)
    if found.holder:
        yield note("journal", f"at work right now: {found.holder}")
    yield _clock(found.written)


def _clock(written: float) -> Finding:
    ahead = written - now().timestamp()
    if ahead > SLACK:
        what = f"the clock here is {int(ahead)} s behind the journal's last change"
        return problem("clock", what, "set the clock: timedatectl set-ntp true")
    return well("clock", f"{now().isoformat(timespec='seconds')}")


def _others_may_write(path: Path) -> bool:
    try:
        return bool(os.stat(path).st_mode & stat.S_IWOTH)  # noqa: PTH116 - of what a link leads to
    except OSError:
        return False


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

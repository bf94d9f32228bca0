"""install-timer: let this computer run `sshfleet reconcile` by itself; or no longer.

Rule 1: everything is shown before it is done, and nothing is done without a yes or `--yes`.
Rule 2: a fleet has one of them: a timer takes the place of a crontab line, and the reverse.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sshfleet.cli.context import Context
from sshfleet.cli.units import DryRun
from sshfleet.errors import ExitCode, SshfleetError, UsageError
from sshfleet.render.safe import safe

if TYPE_CHECKING:
    from sshfleet.cli.change import Change
    from sshfleet.cli.own_units import Manager
    from sshfleet.systemd.timer import Job

Every = Annotated[str, typer.Option("--every", metavar="TIME", help="How often: 30s, 1m, 2h.")]
User = Annotated[bool, typer.Option("--user", help="For your systemd; the default unless root.")]
System = Annotated[bool, typer.Option("--system", help="For the system's systemd.")]
Cron = Annotated[bool, typer.Option("--cron", help="A crontab line instead of a timer.")]
Metrics = Annotated[
    Path | None,
    typer.Option("--metrics", metavar="FILE", help="Write metrics for Prometheus there."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Remove = Annotated[bool, typer.Option("--remove", help="Take away what was installed.")]


LINGERING = Path("/var/lib/systemd/linger")  # what loginctl enable-linger leaves


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command("install-timer")(install_timer)


def install_timer(
    ctx: typer.Context,
    every: Every = "1m",
    user: User = False,
    system: System = False,
    cron: Cron = False,
    metrics: Metrics = None,
    remove: Remove = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> int:
    """Let a systemd timer, or cron, run reconcile again and again."""
    from sshfleet.cli.job import fleet_name, job_of
    from sshfleet.cli.own_units import Manager

    context: Context = ctx.obj
    if user and system:
        raise UsageError("--user and --system exclude each other", hint="give one of them")
    name = fleet_name(context)
    own = user or not (system or os.geteuid() == 0)
    manager = Manager(user=own)
    if remove:
        changes = _removal(manager, name)
    else:
        job = job_of(context, every, metrics, own=own)
        changes = _installation(context, manager, job, cron=cron)
    if not changes:
        context.say("nothing is installed\n" if remove else "nothing to do: it is installed\n")
        return ExitCode.DONE
    return _made(context, changes, yes=yes, dry_run=dry_run)


def _installation(
    context: Context, manager: "Manager", job: "Job", *, cron: bool
) -> "list[Change]":
    """Return what there is to do for a job, which may have been installed otherwise before."""
    from sshfleet.cli.job import login

    _check_agent(context, job.agent)
    if not cron and not manager.runs():
        context.note("systemd does not run here for you: a crontab line instead of a timer")
        cron = True
    if cron:
        changes = [_cron_line(job), manager.removal(job.unit)]
    else:
        if not job.user and not (LINGERING / login()).exists():
            context.note("hint: so that it also runs while you are away: loginctl enable-linger")
        changes = [manager.installation(job), _no_cron_line(job.name)]
    return [change for change in changes if change]


def _removal(manager: "Manager", name: str) -> "list[Change]":
    return [one for one in (manager.removal(f"sshfleet-{name}"), _no_cron_line(name)) if one]


def _cron_line(job: "Job") -> "Change | None":
    from sshfleet.cli import crontab

    if not crontab.is_there():
        raise SshfleetError(
            "there is neither a systemd that answers nor crontab here",
            hint="install cron, or run sshfleet reconcile --every SECONDS under what you have",
        )
    return _crontab_change(job.name, crontab.line_for(job.name, job.words, job.agent, job.every))


def _no_cron_line(name: str) -> "Change | None":
    from sshfleet.cli import crontab

    # Who may not have a crontab has no line in it.
    with suppress(SshfleetError):
        return _crontab_change(name, b"") if crontab.is_there() else None
    return None


def _crontab_change(name: str, line: bytes) -> "Change | None":
    from sshfleet.cli import crontab
    from sshfleet.cli.change import Change

    before = crontab.read()
    after = crontab.edited(before, name, line)
    if after == before:
        return None
    gone = [one for one in before.splitlines() if one not in after.splitlines()]
    come = [one for one in after.splitlines() if one not in before.splitlines()]
    told = [
        f"  {sign} {safe(os.fsdecode(one))}\n"
        for sign, ones in (("-", gone), ("+", come))
        for one in ones
    ]
    return Change("crontab:\n" + "".join(told), lambda: crontab.write(after))


def _made(context: Context, changes: "list[Change]", *, yes: bool, dry_run: bool) -> int:
    for change in changes:
        context.say(change.shown)
    context.flush()
    if dry_run:
        return ExitCode.DONE
    if not yes and not _agreed(context):
        context.note("nothing was changed")
        return ExitCode.NOT_SO
    for change in changes:
        change.make()
    context.say("done\n")
    return ExitCode.DONE


def _agreed(context: Context) -> bool:
    from sshfleet.cli.questions import ask

    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to be asked; nothing was changed",
            hint="read the lines above, then the same with --yes",
        )
    return context.run(ask("Do this?"))


def _check_agent(context: Context, path: str) -> None:
    """Find a key in the agent now, as the timer will have to; raise NoUsableKey."""
    from sshfleet.transport.agent import open_agent

    async def look() -> int:
        agent = await open_agent()
        count = len(agent.keys)
        await agent.shut()
        return count

    keys = context.run(look())
    context.note(
        f"the agent at {path} holds {'1 key' if keys == 1 else f'{keys} keys'}; "
        "it has to be there, with a key, whenever the timer runs"
    )
    if path not in _lasting():
        context.note("hint: an agent at a socket that stays: scripts/ssh-agent-setup.sh --install")


def _lasting() -> tuple[str, ...]:
    """Return where scripts/ssh-agent-setup.sh has its agent."""
    run = os.environ.get("XDG_RUNTIME_DIR", "")
    return (f"{run}/ssh-agent.socket", str(Path.home() / ".ssh/agent.socket"))

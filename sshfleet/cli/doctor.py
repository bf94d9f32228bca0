"""doctor: what is wrong here and on each machine, and the command that mends it.

Rule 1: nothing is changed, here or there, but what is remembered of each look.
Rule 2: what cannot be examined because of something else is told once, at its cause.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sshfleet.cli.context import Context, now

if TYPE_CHECKING:
    from sshfleet.model.finding import Finding
    from sshfleet.model.machine import Fleet


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command("doctor")(doctor)


def doctor(ctx: typer.Context) -> int:
    """Examine agent, inventory, journal and every machine, and say how to mend what is wrong."""
    from sshfleet.cli.settings import Output
    from sshfleet.model.finding import gravest
    from sshfleet.render.document import written
    from sshfleet.render.findings import findings_document, findings_text

    context: Context = ctx.obj
    findings = _examined(context)
    if context.settings.output is Output.TABLE:
        context.out(findings_text(findings, colour=context.colour))
    else:
        context.out(written(findings_document(findings), context.settings.output.value))
    return gravest(findings)


def _examined(context: Context) -> "Sequence[Finding]":
    from sshfleet.cli.doctor_here import (
        agent_findings,
        inventory_findings,
        journal_findings,
        known_hosts_findings,
        usable,
    )

    agent = context.run(agent_findings(now()))
    fleet, findings = inventory_findings(context)
    findings = [*agent, *findings]
    if fleet is None and not context.settings.journal:
        return findings  # the inventory says whose journal it is
    if fleet:
        findings += known_hosts_findings(context.run(_known_hosts(context, fleet)))
    findings += journal_findings(context)
    return [*findings, *_machines(context, fleet)] if fleet and usable(agent) else findings


def _machines(context: Context, fleet: "Fleet") -> "Sequence[Finding]":
    """Look at all machines and tell what is found."""
    from sshfleet.cli.doctor_here import failed
    from sshfleet.cli.doctor_there import Examined, machine_findings
    from sshfleet.clock import boottime_ms
    from sshfleet.errors import ExitCode, JournalError, NoUsableKey
    from sshfleet.journal.standings import blind
    from sshfleet.journal.store import read_state
    from sshfleet.model.desired import DesiredState
    from sshfleet.model.finding import problem
    from sshfleet.model.observed import Observed
    from sshfleet.observe import observe

    async def look() -> Observed:
        async with context.connect(keep=False) as transport:
            return await observe(transport, fleet.machines)

    began = boottime_ms()
    try:
        observed = context.run(look())
    except NoUsableKey as error:
        return [failed("agent", error)]
    standings = context.note_standings(observed, began)
    context.remember(observed)
    try:
        state, _notes = read_state(context.journal_path)
    except JournalError:
        state = DesiredState()  # told of already
    examined = Examined(fleet=fleet, state=state, observed=observed, standings=standings, now=now())
    findings = list(machine_findings(examined))
    if blind(observed):
        what = f"none of the {len(fleet.machines)} machines answers: the fault is most likely here"
        mend = "check the network of this computer"
        findings.insert(0, problem("network", what, mend, ExitCode.TRY_LATER))
    return findings


async def _known_hosts(context: Context, fleet: "Fleet") -> "list[Path]":
    """Return the files that host keys of the machines are looked up in and go into."""
    from sshfleet.transport.base import TransportError
    from sshfleet.transport.resolve import Resolver

    resolver = Resolver(context.ssh_options())
    files: dict[Path, None] = {}
    try:
        for machine in fleet.machines:
            try:
                files.update(dict.fromkeys((await resolver.machine(machine)).user_files))
            except TransportError:
                continue  # the look at the machine tells
    finally:
        await resolver.close()
    return list(files)

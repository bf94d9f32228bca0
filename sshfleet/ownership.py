"""Whether the machines that answered are this journal's to work on.

Rule 1: a machine of another journal counts as one that cannot be worked with: nothing is done
there, and what this journal placed there stays placed.
Rule 2: two finds end a run before it has begun. A journal that never worked on any machine has no
business on machines of another (a lost journal, a second laptop); and one that meets a mark of its
own lineage which it does not know is an old copy or a twin, whose every word is doubtful.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sshfleet.errors import JournalError
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import MachineMarked
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import TAKE_OVER, Observed, Reached, of_another
from sshfleet.model.owner import Claim, Owner, may_work, number_of, whose


def strangers(state: DesiredState, observed: Observed) -> Iterator[tuple[MachineName, Owner]]:
    """Yield the machines that this journal may not work on, with whose they are.

    A mark that it left on another machine is known, too: this one may be made from its disk.
    """
    every = {mark for known in state.machines.values() for mark in known.marks}
    for name, report in sorted(observed.reports.items()):
        if isinstance(report, Reached) and report.owner and report.owner.mark not in every:
            known = state.machines.get(report.machine)
            if not may_work(report.owner, state.lineage, known.marks if known else ()):
                yield name, report.owner


def marks_due(
    state: DesiredState, observed: Observed, machines: Iterable[MachineId], mark: str
) -> Iterator[MachineMarked]:
    """Yield what is to be durable before a run works on machines: the mark it will leave there."""
    for machine in sorted(set(machines)):
        found = observed.by_id().get(machine)
        if found and mark not in state.machines[machine].marks:
            owner = found[1].owner
            yield MachineMarked(machine, mark, owner.mark if owner else "")


def claim_on(state: DesiredState, observed: Observed, machine: MachineId, owner: Owner) -> Claim:
    """Return what a machine is told so that it lets this run, whose mark is known, work there."""
    marks = state.machines[machine].marks
    found = observed.by_id().get(machine)
    before = found[1].owner if found else None
    return Claim(
        owner=owner,
        accepted=marks,
        floor=number_of(marks[0]) if marks else 0,
        seen=before.change if before else "",
        boot_id=found[1].boot_id if found else "",
    )


def refuse_to_begin(state: DesiredState, observed: Observed) -> None:
    """Raise JournalError when this journal must not be acted on at all."""
    for name, owner in strangers(state, observed):
        if owner.lineage == state.lineage:
            raise JournalError(
                f"this journal is an old or a second copy of the one that works on {name} "
                f"({whose(owner)}); nothing was done",
                hint=f"go on with that one; {TAKE_OVER}",
            )
        if not state.has_worked():
            raise JournalError(
                f"{name} belongs to another journal ({whose(owner)}); nothing was done",
                hint="use that journal (--journal PATH); if it is lost: sshfleet adopt",
            )


def workable(state: DesiredState, observed: Observed) -> Observed:
    """Return what was seen as this journal may use it: machines of others cannot be worked with.

    Units of a machine that was taken over count as ours: their records are about to say so.
    """
    reports = {**observed.reports}
    for name, owner in strangers(state, observed):
        reports[name] = of_another(owner)
    for name, report in reports.items():
        if isinstance(report, Reached) and report.owner:
            reports[name] = _taken_over(report, report.owner.lineage, state.lineage)
    return Observed(reports)


def _taken_over(report: Reached, old: str, new: str) -> Reached:
    if old == new:
        return report
    units = {
        name: replace(state, record=replace(state.record, lineage=new))
        if state.record and state.record.lineage == old
        else state
        for name, state in report.units.items()
    }
    return replace(report, units=units)

"""What the script answered: bytes → a machine's report and what became of each order.

Rule 1: nothing a machine says is trusted: names are checked, numbers and texts are bounded, bytes
that are not UTF-8 become backslash escapes, and whatever does not fit raises ReplyError.
Rule 2: only what stands between the two lines with our nonce counts: shells may say good morning
before, and no unit knows the nonce.

The reply: `NONCE begin`; lines of tab-separated fields (outcome, machine, boot, uptime, os, arch,
systemd, cpus, memory, owner, wall, flock, guard, busy, unit, hidden, stray, fresh, brief),
interrupted by `NONCE before`, blocks of `systemctl show` and `NONCE after` when something was
watched; `NONCE sums` and what sha256sum says; `NONCE show` and blocks, in the order of the unit
lines, of units without a brief one; `NONCE end`. Or `NONCE refused` and why; or `NONCE owned` and
the line of the owner, of another journal.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sshfleet.errors import SshfleetError
from sshfleet.model.action import Verb
from sshfleet.model.machine import MachineId
from sshfleet.model.observed import Reached, UnitState
from sshfleet.model.owner import Owner, owner_in
from sshfleet.model.step import Completed
from sshfleet.model.unit import UnitName
from sshfleet.systemd import show
from sshfleet.systemd.remarks import with_remarks
from sshfleet.systemd.sh.watchman import guard_version

# The details of a stop that takes its time and of what waits for it, and of all that was planned
# upon a look that is not true any more.
_POSTPONED = ("still stopping", "it was changed meanwhile")

_MACHINE_ID = re.compile(r"[0-9a-f]{32}")
_BOOT_ID = re.compile(r"[0-9a-f-]{32,36}")
# Of any nonce: a pattern with that of this reply would have to be compiled for each machine.
_TITLE = re.compile(
    r"^(?P<nonce>[0-9a-f]+) (?P<title>begin|before|after|sums|show|end|refused\t.*|owned\t.*)$\n?",
    re.MULTILINE,
)
_PLAIN = ["begin", "sums", "show", "end"]
_WATCHED = ["begin", "before", "after", *_PLAIN[1:]]
_DETAIL = 800  # characters
_FACT = 200


class ReplyError(SshfleetError):
    """A machine's answer is cut off, not an answer to this question, or nonsense."""


class Owned(SshfleetError):
    """The machine has refused the work: it is another journal's by now. Nothing was done."""

    def __init__(self, owner: Owner | None) -> None:
        super().__init__("it belongs to another journal")
        self.owner = owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one order; `detail` is one line, often systemctl's words, not yet safe."""

    verb: Verb
    unit: UnitName
    ok: bool
    detail: str = ""

    @property
    def postponed(self) -> bool:
        """Tell whether the order is to be given again, once a stop is over."""
        return self.detail in _POSTPONED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A machine as it was after the transaction, and each action's outcome, in their order."""

    report: Reached
    outcomes: tuple[Outcome, ...] = ()


def parse_reply(completed: Completed, nonce: str) -> Reply:
    """Read the answer to the request with this nonce. Raises ReplyError, Owned, nothing else."""
    sections = _sections(completed, nonce)
    said = sections["begin"] + sections.get("after", "")
    lines = [line.split("\t") for line in said.split("\n") if line]
    facts = {line[0]: line[1] for line in lines if len(line) > 1}
    try:
        sums = show.sums_by_path(sections["sums"])
        guard = guard_version(sums) if "guard" in facts else ""
        units = _units(lines, sections, sums, guard)
        return Reply(report=_report(facts, units, guard), outcomes=_outcomes(lines))
    except (KeyError, ValueError) as error:
        raise ReplyError(f"the machine's answer makes no sense: {shown(str(error))}") from error


def _sections(completed: Completed, nonce: str) -> dict[str, str]:
    """Cut the reply at its lines with the nonce; each section by its title, without the last LF."""
    text = completed.stdout.decode("utf-8", "backslashreplace")
    lines = [line for line in _TITLE.finditer(text) if line["nonce"] == nonce]
    titles = [line["title"] for line in lines]
    kind, _, words = titles[-1].partition("\t") if titles else ("", "", "")
    if kind == "refused":
        raise ReplyError(shown(words))
    if kind == "owned":
        raise Owned(owner_in(words))
    if titles not in (_PLAIN, _WATCHED):
        raise ReplyError(why_no_answer(completed))
    ends = [*(line.start() for line in lines[1:]), len(text)]
    between = (text[line.end() : end] for line, end in zip(lines, ends, strict=True))
    return dict(zip(titles, between, strict=True))


def why_no_answer(completed: Completed) -> str:
    """Say in one line, not yet safe, how a script ended that did not say what it was to say."""
    if completed.status is None:
        return "the connection broke off before the machine had answered"
    if completed.status in (124, 137):
        return "the machine did not answer in time: systemd or a disk of it may hang"
    said = completed.stderr.decode("utf-8", "backslashreplace").strip().partition("\n")[0]
    return shown(f"no answer from the machine, only status {completed.status}: {said}")


def _report(facts: Mapping[str, str], units: Mapping[UnitName, UnitState], guard: str) -> Reached:
    machine, boot = facts["machine"], facts["boot"]
    if not _MACHINE_ID.fullmatch(machine) or not _BOOT_ID.fullmatch(boot):
        raise ValueError(f"machine ID '{machine}', boot ID '{boot}'")
    return Reached(
        machine=MachineId(machine),
        boot_id=boot,
        uptime=show.decimal(facts["uptime"]),
        os=facts["os"].strip("\"'")[:_FACT],
        arch=facts["arch"][:_FACT],
        systemd=show.number(re.split(r"\D", facts["systemd"])[0]),
        cpus=show.number(facts["cpus"]),
        memory=show.number(facts["memory"]) * 1024,
        units=units,
        owner=owner_in(facts.get("owner", "")),
        busy="busy" in facts,
        wall=show.number(facts.get("wall", "0")),
        guard=guard,
        flock="flock" in facts,
    )


def _units(
    lines: Sequence[list[str]], sections: Mapping[str, str], sums: Mapping[str, str], guard: str
) -> dict[UnitName, UnitState]:
    told = [show.Told(*line[1:]) for line in lines if line[0] == "unit" and len(line) in (4, 5)]
    brief = [show.Brief(*line[1:]) for line in lines if line[0] == "brief" and len(line) == 5]
    before = show.blocks(sections["before"]) if "before" in sections else []
    blocks = show.by_name(told, show.running(brief, before), show.blocks(sections["show"]))
    states = show.unit_states(told, sums, blocks, before, guard)
    return with_remarks(states, lines)


def _outcomes(lines: Iterable[list[str]]) -> tuple[Outcome, ...]:
    found = [
        Outcome(
            verb=Verb[verb.upper()],
            unit=show.unit_name(name),
            ok=result == "ok",
            detail=shown(" ".join(detail)),
        )
        for kind, verb, name, result, *detail in (line for line in lines if line[0] == "outcome")
    ]
    return tuple(sorted(found, key=lambda each: (each.verb, each.unit)))


def shown(text: str) -> str:
    """Return a machine's words in one line of bounded length, not yet safe for a terminal."""
    return " ".join(text.split())[:_DETAIL]

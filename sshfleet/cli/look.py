"""One look at the fleet for a list: live, or `--cached` as last seen; then a table or JSON.

Rule 1: lists take no lock and change nothing but the cache of what was seen.
Rule 2: a machine that does not answer is a row and a note, never the end of the list.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from sshfleet.cli.context import Context, now
from sshfleet.cli.settings import Output
from sshfleet.clock import boottime_ms
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TargetState
from sshfleet.model.machine import Machine, MachineName
from sshfleet.model.observed import Observed, Unreachable
from sshfleet.model.standing import Standing
from sshfleet.model.unit import UnitName
from sshfleet.render.fields import chosen
from sshfleet.render.listing import listing
from sshfleet.render.rows import View
from sshfleet.render.standings import standing_line
from sshfleet.render.tables import table


class Look:
    """What one list verb was asked for, what it saw, and how it shows it."""

    def __init__(
        self, context: Context, verb: str, full: bool, no_legend: bool, fields: str | None
    ) -> None:
        self.context, self.legend = context, not no_legend
        self.fields = chosen(verb, fields)
        self.json = context.settings.output is not Output.TABLE
        self.full = full or self.json
        self.observed = Observed()
        self.seen: dict[MachineName, datetime] = {}
        self.standings: Mapping[MachineName, Standing] = {}
        self._hashes: dict[str, str] = {}

    @cached_property
    def state(self) -> DesiredState:
        """Return the journal's state."""
        return self.context.read_state()

    def at(self, machines: Sequence[Machine], *, cached: bool) -> None:
        """Look at machines, or at what was last seen of them."""
        began = boottime_ms()
        if not cached and machines:
            self.observed = self.context.run(self._observe(machines))
        self.standings = self.context.note_standings(self.observed, began)
        known = self.context.remember(self.observed)
        self.seen = {name: time for name, (time, _) in known.items()}
        if cached:
            self.observed = Observed({name: report for name, (_, report) in known.items()})
            self._tell_age()
        self._tell_trouble(machines)

    async def _observe(self, machines: Iterable[Machine]) -> Observed:
        from sshfleet.observe import observe

        async with self.context.connect(keep=False) as transport:
            return await observe(transport, machines)

    def _tell_trouble(self, machines: Iterable[Machine]) -> None:
        for machine in machines:
            standing = self.standings.get(machine.name)
            if standing and standing.trouble:
                report = self.observed.reports.get(machine.name)
                hint = report.hint if isinstance(report, Unreachable) else ""
                line = standing_line(machine.name, standing, now(), lambda at: at.astimezone())
                self.context.note(f"{line} ({hint})" if hint else line)

    def _tell_age(self) -> None:
        if not self.seen:
            self.context.note("nothing was seen yet; leave out --cached to look")
            return
        age = int((now() - min(self.seen.values())).total_seconds())
        self.context.note(f"as last seen, up to {age} s ago; nothing was contacted")

    def tell_old_text(self, unit: str, machine: str) -> None:
        """Note that a unit runs a text that was replaced; one that systemd started is let run."""
        known = self.state.units.get(UnitName(unit))
        launched = known is not None and known.target is TargetState.LAUNCHED
        hint = f"; hint: sshfleet restart {unit}" if launched else ""
        self.context.note(f"{unit} on {machine} still runs its old text{hint}")

    def view(self) -> View:
        """Return what the rows are made from."""
        return View(
            fleet=self.context.fleet,
            desired=self.state,
            observed=self.observed,
            hash_of=self._hash,
            full=self.full,
            exact=self.json,
            seen=self.seen,
            standings=self.standings,
        )

    def _hash(self, content: str) -> str:
        from sshfleet.unitfile.normal import fleet_hash
        from sshfleet.unitfile.syntax import parse

        if content not in self._hashes:  # all instances of a template have one content
            texts = self.state.texts
            sha256, dropins = self._with_dropins.get(content, (content, {}))
            parts = {name: parse(texts[one], name) for name, one in dropins.items()}
            known = sha256 in texts
            self._hashes[content] = fleet_hash(parse(texts[sha256], ""), parts) if known else ""
        return self._hashes[content]

    @cached_property
    def _with_dropins(self) -> dict[str, tuple[str, Mapping[str, str]]]:
        units = [unit for unit in self.state.units.values() if unit.dropins]
        return {unit.content: (unit.sha256, unit.dropins) for unit in units}

    def show(self, name: str, rows: list[dict[str, str]]) -> None:
        """Print the rows as the user asked."""
        if self.json:
            lines = self.context.settings.output is Output.JSONL
            self.context.out(listing(name, rows, lines=lines))
        else:
            colour = self.context.colour
            self.context.out(table(rows, self.fields, legend=self.legend, colour=colour))

"""fleet's hashes of texts that units had once, from the records that go by."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from sshfleet.journal.record import Record
from sshfleet.journal.snapshot import Snapshot
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import TextStored, UnitSubmitted
from sshfleet.model.unit import content_hash
from sshfleet.render.happenings import Entry


class Hashes:
    """The contents that units had; `state` has the texts that were stored before all records."""

    def __init__(self, state: Callable[[], DesiredState]) -> None:
        self._state = state
        self._texts: dict[str, str] = {}
        self._parts: dict[str, tuple[str, Mapping[str, str]]] = {}

    def passing(self, records: Iterable[Record]) -> Iterator[Entry]:
        """Hand on what records say happened, keeping the texts in them."""
        for record in records:
            event = record.event
            if isinstance(event, Snapshot):
                continue  # it repeats what happened before
            if isinstance(event, TextStored):
                self._texts[event.sha256] = event.text
            elif isinstance(event, UnitSubmitted):
                content = content_hash(event.sha256, event.dropins)
                self._parts[content] = (event.sha256, event.dropins)
            yield Entry(record.at, record.by, record.cmd, event)

    def of(self, content: str) -> str:
        """Return fleet's hash of a unit's content; nothing when a text of it is not kept."""
        from sshfleet.unitfile.normal import fleet_hash
        from sshfleet.unitfile.syntax import parse

        if content not in self._parts:
            return ""
        sha256, dropins = self._parts[content]
        needed = {sha256, *dropins.values()}
        if needed - self._texts.keys():
            self._texts = {**self._state().texts, **self._texts}
        if needed - self._texts.keys():
            return ""
        parsed = {name: parse(self._texts[one], name) for name, one in dropins.items()}
        return fleet_hash(parse(self._texts[sha256], ""), parsed)

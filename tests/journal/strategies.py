"""What may stand in a journal: any text, any event, and runs of events that make sense."""

import hashlib
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from sshfleet.journal.codec import LARGEST
from sshfleet.journal.record import Stamp
from sshfleet.model import event as ev
from sshfleet.model.desired import CannotFold, DesiredState, fold
from sshfleet.model.event import Event, TargetState
from sshfleet.model.machine import FailoverMode, MachineId, MachineName
from sshfleet.model.unit import UnitName

START = datetime(2026, 11, 23, 8, 0, 6, 123000, tzinfo=UTC)
STAMP = Stamp(at=START, by="core@laptop", cmd="sshfleet start web.service")

TEXTS = {hashlib.sha256(text.encode()).hexdigest(): text for text in ("[Unit]\n", "é\x7f\x00", "")}
UNITS = [UnitName(name) for name in ("web.service", "db@1.service", "tick.timer")]
MACHINES = [MachineId(letter * 32) for letter in "abc"]
NAMES = [MachineName(name) for name in ("core-01", "core-02")]

any_text = st.text(max_size=20)
numbers = st.integers(0, LARGEST)
units = any_text.map(UnitName)
machines = any_text.map(MachineId)

BY_TYPE: dict[type[Event], st.SearchStrategy[Event]] = {
    ev.JournalStarted: st.builds(ev.JournalStarted, any_text),
    ev.TextStored: st.builds(ev.TextStored, any_text, any_text),
    ev.UnitSubmitted: st.builds(
        ev.UnitSubmitted, units, any_text, st.dictionaries(any_text, any_text, max_size=3)
    ),
    ev.TargetSet: st.builds(ev.TargetSet, units, st.sampled_from(TargetState)),
    ev.UnitPlaced: st.builds(ev.UnitPlaced, units, machines, numbers, any_text, any_text),
    ev.UnitUnplaced: st.builds(ev.UnitUnplaced, units, machines, any_text),
    ev.UnitRemoved: st.builds(ev.UnitRemoved, units, machines),
    ev.CopyGivenUp: st.builds(ev.CopyGivenUp, units, machines, any_text),
    ev.CopyFound: st.builds(ev.CopyFound, units, machines),
    ev.CopyGuarded: st.builds(ev.CopyGuarded, units, machines),
    ev.CopyUnguarded: st.builds(ev.CopyUnguarded, units, machines),
    ev.LeasesPromised: st.builds(
        ev.LeasesPromised,
        st.lists(machines, max_size=3).map(tuple),
        any_text,
        numbers,
        numbers,
        numbers,
    ),
    ev.RestartAsked: st.builds(
        ev.RestartAsked, units, st.dictionaries(machines, any_text, max_size=3)
    ),
    ev.MachineSeen: st.builds(ev.MachineSeen, machines, any_text.map(MachineName), any_text),
    ev.MachineMarked: st.builds(ev.MachineMarked, machines, any_text, any_text),
    ev.MachineCordoned: st.builds(ev.MachineCordoned, any_text.map(MachineName)),
    ev.MachineDraining: st.builds(ev.MachineDraining, any_text.map(MachineName)),
    ev.MachineUncordoned: st.builds(ev.MachineUncordoned, any_text.map(MachineName)),
    ev.ActionEnded: st.builds(
        ev.ActionEnded, units, machines, any_text, any_text, any_text, any_text, any_text, numbers
    ),
}
any_event = st.one_of(*BY_TYPE.values())
moments = st.integers(0, 4_000_000_000_000).map(
    lambda milliseconds: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
)
stamps = st.builds(Stamp, at=moments, by=any_text, cmd=any_text)

_dropin = st.sampled_from(["10-a.conf", "20-b.conf"])
_unit, _machine = st.sampled_from(UNITS), st.sampled_from(MACHINES)
_modes = st.sampled_from(["", *FailoverMode])
_marks = st.integers(1, 9).map(lambda number: f"{number}-{number:016x}")
_plausible: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from([ev.TextStored(key, text) for key, text in TEXTS.items()]),
    st.builds(
        ev.UnitSubmitted,
        _unit,
        st.sampled_from(sorted(TEXTS)),
        st.just({}) | st.dictionaries(_dropin, st.sampled_from(sorted(TEXTS)), max_size=2),
    ),
    st.builds(ev.TargetSet, _unit, st.sampled_from(TargetState)),
    st.builds(ev.UnitPlaced, _unit, _machine, st.integers(0, 9), st.just("fewest units"), _modes),
    st.builds(ev.UnitUnplaced, _unit, _machine, st.just("drained")),
    st.builds(ev.UnitRemoved, _unit, _machine),
    st.builds(ev.CopyGivenUp, _unit, _machine, st.just("its lease is over")),
    st.builds(ev.CopyFound, _unit, _machine),
    st.builds(ev.CopyGuarded, _unit, _machine),
    st.builds(ev.CopyUnguarded, _unit, _machine),
    st.builds(
        ev.LeasesPromised,
        st.lists(_machine, max_size=2).map(tuple),
        st.sampled_from(["boot-1", "boot-2"]),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    st.builds(ev.RestartAsked, _unit, st.dictionaries(_machine, st.just("f00d"), max_size=2)),
    st.builds(ev.MachineSeen, _machine, st.sampled_from(NAMES), st.just("10.0.0.1")),
    st.builds(ev.MachineMarked, _machine, _marks, st.just("") | _marks),
    st.builds(ev.MachineCordoned, st.sampled_from(NAMES)),
    st.builds(ev.MachineDraining, st.sampled_from(NAMES)),
    st.builds(ev.MachineUncordoned, st.sampled_from(NAMES)),
    st.builds(ev.ActionEnded, _unit, _machine, st.just("start"), st.just("new"), st.just("done")),
)


def _sensible(drawn: list[Event]) -> list[Event]:
    state, kept = DesiredState(lineage="0123"), list[Event]()
    for event in drawn:
        try:
            state = fold(state, [event])
        except CannotFold:
            continue
        kept.append(event)
    return kept


_stored: list[Event] = [ev.TextStored(key, text) for key, text in TEXTS.items()]
_known: list[Event] = [ev.UnitSubmitted(unit, min(TEXTS)) for unit in UNITS]
runs = st.lists(_plausible, max_size=40).map(lambda drawn: _sensible([*_stored, *_known, *drawn]))
"""Runs of events that fold: three units are known from the start, then anything happens."""

"""fleet's hashes of what records say units had."""

from sshfleet.cli.hashes import Hashes
from sshfleet.journal.record import Record
from sshfleet.model.desired import DesiredState
from sshfleet.model.event import Event, TextStored, UnitSubmitted
from sshfleet.model.unit import UnitName, content_hash, sha256_of
from sshfleet.unitfile.read import read_text
from tests.journal.strategies import START

WEB, TEXT = UnitName("web.service"), "[Service]\nExecStart=/bin/true\n"
SHA, HASH = sha256_of(TEXT), read_text(WEB, TEXT).hash


def hashes(state: DesiredState, *events: Event) -> Hashes:
    found = Hashes(lambda: state)
    records = [
        Record(seq=1, at=START, by="", cmd="", event=event, prev="", sum="", first=1, last=1)
        for event in events
    ]
    assert [entry.event for entry in found.passing(records)] == list(events)
    return found


def test_a_text_is_taken_from_the_records() -> None:
    found = hashes(DesiredState(), TextStored(SHA, TEXT), UnitSubmitted(WEB, SHA))
    assert found.of(SHA) == HASH


def test_a_text_whose_record_is_not_kept_is_taken_from_the_state() -> None:
    found = hashes(DesiredState(texts={SHA: TEXT}), UnitSubmitted(WEB, SHA))
    assert found.of(SHA) == HASH


def test_drop_ins_count() -> None:
    dropin = "[Service]\nRestart=always\n"
    dropins = {"10-a.conf": sha256_of(dropin)}
    found = hashes(
        DesiredState(),
        TextStored(SHA, TEXT),
        TextStored(dropins["10-a.conf"], dropin),
        UnitSubmitted(WEB, SHA, dropins),
    )
    whole = read_text(WEB, TEXT, {"10-a.conf": dropin}).hash
    assert found.of(content_hash(SHA, dropins)) == whole != HASH


def test_of_a_text_that_nobody_keeps_there_is_none() -> None:
    assert hashes(DesiredState(), UnitSubmitted(WEB, SHA)).of(SHA) == ""
    assert hashes(DesiredState()).of(SHA) == ""

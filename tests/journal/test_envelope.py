import json
from collections.abc import Callable

import pytest
from hypothesis import given

from sshfleet.journal.codec import EVENT_TYPES, LARGEST, Malformed, structs
from sshfleet.journal.envelope import Read, careful, reader
from sshfleet.journal.record import encode
from sshfleet.model.event import Event
from tests.journal.lines import STORY
from tests.journal.strategies import STAMP, any_event


def outcome(read: Callable[[], Read], line: bytes) -> object:
    try:
        found, event = read()(line)
    except Malformed as problem:
        return type(problem), str(problem)
    return (found.at, found.by, found.cmd, found.prev, found.seq, found.sum), event


@given(any_event)
def test_the_quick_reader_reads_what_the_careful_one_does(event: Event) -> None:
    line = encode(event, STAMP, seq=3, prev="ab" * 32)[0][:-1]
    assert outcome(reader, line) == outcome(careful, line)
    assert outcome(reader, line)[1] == event  # type: ignore[index]


def test_the_quick_reader_knows_every_event() -> None:
    assert set(structs().values()) == set(EVENT_TYPES.values())


@pytest.mark.parametrize("event", STORY, ids=lambda event: type(event).__name__)
def test_whatever_stands_in_a_field_both_readers_find_the_same_in_it(event: Event) -> None:
    data = json.loads(encode(event, STAMP, seq=3, prev="")[0])
    odd: list[object] = [
        None,
        True,
        0,
        -1,
        1.0,
        LARGEST,
        LARGEST + 1,
        "",
        "loaded",
        [],
        {},
        {"a": "b"},
        {"a": 1},
    ]
    lines = [{**data, "more": 1}, {**data, "event": {**data["event"], "more": 1}}]
    lines += [{**data, "event": {**data["event"], "type": name}} for name in EVENT_TYPES]
    for field in data["event"]:
        bare = {name: value for name, value in data["event"].items() if name != field}
        lines += [{**data, "event": bare}]
        lines += [{**data, "event": {**bare, field: value}} for value in odd]
    for line in lines:
        spelled = json.dumps(line).encode()
        assert outcome(reader, spelled) == outcome(careful, spelled), spelled

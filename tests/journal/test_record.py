import hashlib
import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given

from sshfleet.journal.codec import Malformed, TooNew
from sshfleet.journal.record import Stamp, canonical, decode, encode, is_whole, rfc3339
from sshfleet.model import event as ev
from sshfleet.model.event import Event
from sshfleet.model.unit import UnitName
from tests.journal.strategies import STAMP, any_event, stamps

SUBMITTED = ev.UnitSubmitted(UnitName("web.service"), "ab" * 32)
STRANGE = '\x00\x1f\b\f\n\r\t"\\/\x7f\x80\u2028\uffff\U0001f600é<>&'


def line_of(data: dict[str, object]) -> bytes:
    """Sum and spell a record as docs/journal.md says, by other means than the program's."""
    bare = {key: value for key, value in data.items() if key != "sum"}
    return spelled({**bare, "sum": hashlib.sha256(spelled(bare)).hexdigest()})


def spelled(data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f").encode()


def record(**changes: object) -> dict[str, object]:
    line, _ = encode(SUBMITTED, STAMP, seq=1, prev="")
    return {**json.loads(line), **changes}


@given(any_event, stamps)
def test_a_line_is_canonical_and_carries_the_sum_of_the_rest(event: Event, stamp: Stamp) -> None:
    line, digest = encode(event, stamp, seq=7, prev="ab" * 32)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    data = json.loads(line)
    assert line[:-1] == spelled(data) == line_of(data)
    assert data["sum"] == digest


@given(any_event, stamps)
def test_a_record_comes_back_as_it_was(event: Event, stamp: Stamp) -> None:
    line, digest = encode(event, stamp, seq=7, prev="ab" * 32)
    assert is_whole(line[:-1])
    found = decode(line[:-1])
    assert (found.event, found.at, found.by, found.cmd) == (event, stamp.at, stamp.by, stamp.cmd)
    assert (found.seq, found.prev, found.sum) == (7, "ab" * 32, digest)


def test_the_line_is_what_the_documentation_shows() -> None:
    line, _ = encode(SUBMITTED, STAMP, seq=1, prev="")
    # The sum is from: jq -cS 'del(.sum)' | tr -d '\\n' | sha256sum
    assert line.decode() == (
        '{"at":"2026-11-23T08:00:06.123Z","by":"core@laptop","cmd":"sshfleet start web.service",'
        '"event":{"sha256":"abababababababababababababababababababababababababababababababab",'
        '"type":"unit-submitted","unit":"web.service"},"prev":"","seq":1,'
        '"sum":"1c8b1304c81afd6158c6f0ba6fe167aef2004c033ff387e5f4e5f79a0f2165f1","v":1}\n'
    )


def test_control_characters_are_spelled_as_jq_spells_them() -> None:
    # As printed by jq 1.6 for `jq -cS .`
    expected = '"\\u0000\\u001f\\b\\f\\n\\r\\t\\"\\\\/\\u007f\x80\u2028\uffff\U0001f600é<>&"'
    assert canonical({"b": STRANGE, "a": 1}) == f'{{"a":1,"b":{expected}}}'.encode()


def test_keys_are_sorted_by_code_point() -> None:
    assert canonical({"\U00010000": "", "\uffff": "", "é": "", "z": ""}) == (
        '{"z":"","é":"","\uffff":"","\U00010000":""}'.encode()
    )


def test_any_flipped_bit_shows() -> None:
    line = encode(SUBMITTED, STAMP, seq=1, prev="")[0][:-1]
    for position in range(len(line)):
        for bit in range(8):
            damaged = bytearray(line)
            damaged[position] ^= 1 << bit
            assert not is_whole(bytes(damaged))


def test_a_higher_version_is_told_from_damage() -> None:
    newer = line_of(record(v=2, more=1))
    assert is_whole(newer)
    with pytest.raises(TooNew, match="format 2"):
        decode(newer)


def test_an_unknown_field_of_a_record_was_written_by_a_newer_program() -> None:
    with pytest.raises(TooNew, match="more"):
        decode(line_of(record(more=1)))


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": "1"},
        {"seq": 1.5},
        {"at": "yesterday"},
        {"at": "2026-11-23T08:00:06.123"},
        {"by": None},
        {"event": []},
        {"event": {"type": "unit-submitted"}},
        {"event": {"type": ["snapshot"]}},
    ],
)
def test_a_whole_record_with_wrong_values_is_malformed(changes: dict[str, object]) -> None:
    line = line_of(record(**changes))
    assert is_whole(line)
    with pytest.raises(Malformed) as caught:
        decode(line)
    assert not isinstance(caught.value, TooNew)


def test_what_is_no_json_is_malformed_whatever_its_sum() -> None:
    line = spelled({**record(), "by": 1}).removesuffix(b',"v":1}')
    bare = re.sub(rb',"sum":"[0-9a-f]*"', b"", line) + b"]"
    digest = hashlib.sha256(bare + b',"v":1}').hexdigest().encode()
    whole = b'%s,"sum":"%s","v":1}' % (bare, digest)
    assert is_whole(whole)
    with pytest.raises(Malformed):
        decode(whole)


def test_a_record_without_a_field_is_malformed() -> None:
    data = record()
    del data["cmd"]
    with pytest.raises(Malformed, match="cmd"):
        decode(line_of(data))


def test_time_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2026, 11, 23, 10, 0, 6, 1999, tzinfo=east)) == (
        "2026-11-23T08:00:06.001Z"
    )


def test_arguments_that_are_not_utf8_can_be_written() -> None:
    odd = Stamp(
        at=STAMP.at, by="core@laptop", cmd=b"sshfleet cat \xff".decode("utf-8", "surrogateescape")
    )
    assert json.loads(encode(SUBMITTED, odd, seq=1, prev="")[0])["cmd"] == "sshfleet cat \\udcff"


def test_a_command_line_of_a_thousand_names_is_shortened() -> None:
    long = Stamp(at=STAMP.at, by="core@laptop", cmd="sshfleet start " + "web.service " * 1000)
    cmd = json.loads(encode(SUBMITTED, long, seq=1, prev="")[0])["cmd"]
    assert len(cmd) == 200
    assert cmd.endswith("…")

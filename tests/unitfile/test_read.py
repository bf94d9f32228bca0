"""Files become units, or are refused before any machine hears of them."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.errors import UnitFileError
from sshfleet.model.machine import FailoverMode
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import Unit, UnitName, checked_name
from sshfleet.unitfile.read import MAX_BYTES, read_text, read_unit

EXAMPLES = Path(__file__).parents[2] / "examples"
NAME = UnitName("web.service")
HELLO = b"""\
[Unit]
Description=hello world
After=docker.service
Requires=docker.service

[Service]
TimeoutStartSec=0
ExecStartPre=-/usr/bin/docker kill busybox1
ExecStartPre=-/usr/bin/docker rm busybox1
ExecStartPre=-/usr/bin/docker pull busybox
ExecStart=/usr/bin/docker run --name busybox1 busybox \
/bin/sh -c "while true; do echo hello world; done"
ExecStop=/usr/bin/docker stop busybox1
ExecStopPost=/usr/bin/docker rm busybox1

[X-Fleet]
X-Conflicts=hello*.service

[Install]
WantedBy=multi-user.target
"""


def example(name: str) -> Unit:
    data = (EXAMPLES / name).read_bytes()
    return read_unit(checked_name(name), data, f"examples/{name}")


def refused(data: bytes) -> UnitFileError:
    with pytest.raises(UnitFileError) as caught:
        read_unit(NAME, data, "web.service")
    assert caught.value.hint
    return caught.value


def test_a_unit_is_everything_its_file_says() -> None:
    data = (
        b"\xef\xbb\xbf[Unit]\r\nDescription=na\xc3\xafve \\\r\n bar\r\nDescription=two\r\n"
        b"[X-Fleet]\r\nFailover=lease\r\n[Install]\r\nWantedBy=x\r\n"
    )
    unit = read_unit(NAME, data, "web.service")
    assert unit.name == NAME
    assert unit.text.encode() == data
    assert unit.sha256 == hashlib.sha256(data).hexdigest()
    assert len(unit.hash) == 40
    assert unit.description == "naïve   bar"
    assert unit.requirements == Requirements(failover=FailoverMode.LEASE)
    assert unit.installs


def test_an_install_section_without_options_installs_nothing() -> None:
    assert not read_unit(NAME, b"[Service]\nExecStart=/a\n[Install]\n# none\n", "x").installs


def test_other_descriptions_are_not_the_units() -> None:
    assert read_unit(NAME, b"[Service]\nDescription=x\n", "x").description == ""


@pytest.mark.parametrize(
    ("data", "message", "place"),
    [
        (b"", "empty", "web.service"),
        (b"\n# nothing here\n", "not one option", "web.service"),
        (b"[Service]\n[Install]\n", "not one option", "web.service"),
        (b"\xef\xbb\xbf", "not one option", "web.service"),
        (b"[Unit]\nA=\0", "NUL", "web.service:2"),
        (b"[Unit]\nA=1\nB=\xff", "0xff in this line is not UTF-8", "web.service:3"),
        (b"[Unit]\nA=\xed\xa0\x80", "not UTF-8", "web.service:2"),
        ("[Unit]\nA=1\n".encode("utf-16"), "NUL", "web.service:1"),
        (b"[Unit]\nA=1\njunk", "no '='", "web.service:3"),
        (b"[Unit]\nA=1\n[X-Fleet]\nGlobl=1", "Globl", "web.service:4"),
    ],
)
def test_what_is_no_unit_file_is_refused(data: bytes, message: str, place: str) -> None:
    error = refused(data)
    assert message in error.message
    assert error.place == place


def test_a_file_of_one_mebibyte_is_read_and_a_byte_more_is_refused() -> None:
    largest = b"[Service]\nExecStart=/bin/echo ".ljust(MAX_BYTES, b"x")
    assert read_unit(NAME, largest, "web.service").text.encode() == largest
    assert "1048577 bytes" in refused(largest + b"x").message


def test_a_file_of_nothing_but_continuations_is_read_in_good_time() -> None:
    data = b"[Service]\nA=" + b"\\\n" * 500_000 + b"b\n"
    assert len(read_unit(NAME, data, "web.service").text) == len(data)


def test_a_text_from_the_journal_gives_the_same_unit_again() -> None:
    unit = read_unit(NAME, HELLO, "some/where/web.service")
    assert read_text(NAME, unit.text) == unit


def test_a_text_no_file_can_hold_is_refused() -> None:
    with pytest.raises(UnitFileError, match=r"web\.service:2"):
        read_text(NAME, "[Unit]\nA=\ud800")


def test_the_instances_of_a_template_share_its_text_and_hash_but_not_its_rules() -> None:
    text = "[Service]\nExecStart=/a %i\n[X-Fleet]\nMachineMetadata=rack=%i\n"
    one, two = (read_text(UnitName(f"web@{number}.service"), text) for number in (1, 2))
    assert (one.hash, one.sha256) == (two.hash, two.sha256)
    assert one.requirements.metadata == (("rack", "1"),)
    assert two.requirements.metadata == (("rack", "2"),)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text().map(lambda text: b"[X-Fleet]\n" + text.encode())
    | st.sampled_from([HELLO[:end] for end in range(len(HELLO))])
)
def test_any_bytes_are_a_unit_or_refused(data: bytes) -> None:
    try:
        unit = read_unit(NAME, data, "web.service")
    except UnitFileError:
        return
    assert unit.text.encode() == data
    assert read_text(NAME, unit.text) == unit


def test_the_first_example_is_the_well_known_hello_world() -> None:
    assert (EXAMPLES / "hello.service").read_bytes() == HELLO
    unit = example("hello.service")
    assert unit.description == "hello world"
    assert unit.requirements == Requirements(conflicts=("hello*.service",))
    assert unit.installs


@pytest.mark.parametrize("number", ["2", "3", "4"])
def test_the_other_hellos_differ_in_their_container_only(number: str) -> None:
    name = f"hello{number}.service"
    expected = HELLO.replace(b"busybox1", b"busybox" + number.encode())
    assert (EXAMPLES / name).read_bytes() == expected
    assert example(name).requirements == example("hello.service").requirements


def test_the_template_example_keeps_its_instances_apart() -> None:
    assert example("web@.service").requirements == Requirements(conflicts=("web@*.service",))


def test_the_heartbeat_example_is_global() -> None:
    assert example("heartbeat.service").requirements == Requirements(is_global=True)


def test_every_example_is_read_without_complaint() -> None:
    files = [path for path in EXAMPLES.rglob("*.*") if path.is_file() and path.suffix != ".md"]
    assert len(files) >= 20
    for path in files:
        assert read_unit(checked_name(path.name), path.read_bytes(), str(path)).name == path.name

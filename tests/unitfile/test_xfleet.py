"""[X-Fleet] sections: fleet's keys, read strictly."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.errors import UnitFileError
from sshfleet.model.machine import DriftPolicy, FailoverMode, HandOver
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName
from sshfleet.unitfile.keys import SPELLINGS
from sshfleet.unitfile.syntax import parse
from sshfleet.unitfile.xfleet import requirements
from tests.unitfile.rules import ID, refused, rules

PAGE = Path(__file__).parents[2] / "docs" / "unit-files.md"


def test_a_unit_without_rules_may_run_anywhere() -> None:
    assert rules() == Requirements()
    parsed = parse("[Service]\nGlobal=true\nMachineOf=x", "web.service")
    assert requirements(parsed, UnitName("web.service")) == Requirements()


def test_each_key_is_read() -> None:
    asked = rules(
        'MachineMetadata="region=us east" "disk=ssd"',
        "MachineOf=db.service",
        "Conflicts=web@*.service api*",
        "Failover=lease",
        "Drift=report",
        "Global=no",
    )
    assert asked == Requirements(
        metadata=(("region", "us east"), ("disk", "ssd")),
        machine_of=("db.service",),
        conflicts=("web@*.service", "api*"),
        failover=FailoverMode.LEASE,
        drift=DriftPolicy.REPORT,
    )
    assert rules("Replaces=old*.service").replaces == ("old*.service",)
    assert rules("HandOver=start-first").hand_over is HandOver.START_FIRST
    assert rules(f"MachineID={ID}").machine_id == ID
    assert rules("MachineID=3547A4DF").machine_id == "3547a4df"


def test_old_spellings_mean_the_same() -> None:
    assert rules("X-ConditionMachineMetadata=a=1", "MachineMetadata=b=2") == rules(
        'MachineMetadata="a=1" "b=2"'
    )
    assert rules("Conflicts=b", "X-Conflicts=a").conflicts == ("a", "b")
    assert rules("MachineOf=b.service", "X-ConditionMachineOf=a.service").machine_of == (
        "a.service",
        "b.service",
    )


def test_the_first_machine_id_wins_and_new_spellings_come_first() -> None:
    lines = ["X-ConditionMachineBootID=00000003", "X-ConditionMachineID=00000002"]
    assert rules(*lines).machine_id == "00000002"
    assert rules(*lines, "MachineID=00000001", "MachineID=00000004").machine_id == "00000001"


def test_the_last_of_what_can_be_said_once_wins() -> None:
    assert not rules("Global=true", "Global=false").is_global
    assert rules("Failover=manual", "Failover=eager").failover is FailoverMode.EAGER
    assert rules("Drift=report", "Drift=enforce").drift is DriftPolicy.ENFORCE
    again = rules("HandOver=start-first", "HandOver=stop-first")
    assert again.hand_over is HandOver.STOP_FIRST


@pytest.mark.parametrize("word", ["true", "Yes", "1", "ON", "t", '"true"'])
def test_words_that_mean_global(word: str) -> None:
    assert rules(f"Global={word}").is_global


@pytest.mark.parametrize("word", ["false", "No", "0", "OFF", "f"])
def test_words_that_mean_not_global(word: str) -> None:
    assert not rules(f"Global={word}").is_global


@pytest.mark.parametrize("word", ["y", "treu", "2", "-1", "true false"])
def test_other_words_for_global_are_refused(word: str) -> None:
    assert "neither true nor false" in refused(f"Global={word}").message


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("a=1 b=2", 'write MachineMetadata="a=1" "b=2"'),
        ("a = 1", 'write MachineMetadata="a=1"'),
        ('"a=1 b=2"', 'write MachineMetadata="a=1" "b=2"'),
        ("a=b=c", "with one '='"),
        ("foo=", "KEY=VALUE"),
        ("=x", "KEY=VALUE"),
        ("foo", "KEY=VALUE"),
        ('"a=1" ""', "KEY=VALUE"),
        ("x a=1", "with one '='"),
        ("foo!=x", "alternatives"),
        ("foo>=3", "alternatives"),
        ("foo<3", "alternatives"),
        ("foo==x", "alternatives"),
    ],
)
def test_malformed_metadata_is_refused_with_the_right_spelling(value: str, hint: str) -> None:
    error = refused("MachineMetadata=ok=1", f"MachineMetadata={value}")
    assert error.place == "web.service:3"
    assert hint in error.hint


@pytest.mark.parametrize("value", ["core-01", "3547a4d", ID + "0", "3547a4dg", "%i", "*"])
def test_what_is_no_machine_id_is_refused(value: str) -> None:
    assert "/etc/machine-id" in refused(f"MachineID={value}").hint


def test_a_machine_id_with_dashes_is_refused_with_the_right_spelling() -> None:
    dashed = "3547a4df-9a0c-4b6f-8e21-d7c35a90b1ef"
    assert refused(f"MachineID={dashed}").hint == f"did you mean {ID}?"


@pytest.mark.parametrize(
    ("peer", "hint"),
    [
        ("db", "did you mean db.service?"),
        ("db.target", "did you mean db.target.service?"),
        ("db*.service", "a name is like"),
        ("db@.service", "db@1.service"),
        ("web.service", "share a machine"),
        ("%p.service", "share a machine"),
    ],
)
def test_a_peer_that_can_never_be_there_is_refused(peer: str, hint: str) -> None:
    error = refused("MachineOf=a.service", f"MachineOf={peer}")
    assert error.place == "web.service:3"
    assert hint in error.hint


def test_a_malformed_glob_is_refused() -> None:
    for key in ("Conflicts", "X-Conflicts", "Replaces"):
        error = refused(f"{key}=fine*", f"{key}=web[.service")
        assert error.message == f"{key}: the glob 'web[.service' has a '[' without its ']'"
        assert error.place == "web.service:3"


def test_an_unknown_way_to_fail_over_or_to_treat_drift_is_refused() -> None:
    assert refused("Failover=Lease").hint == "write one of manual, lease, eager"
    assert refused("Drift=ignore", "Drift=report").hint == "write one of enforce, report"
    assert refused("HandOver=start").hint == "write one of start-first, stop-first"


def test_what_depends_on_the_instance_is_left_for_the_instance() -> None:
    lines = [
        'MachineMetadata="rack=%i" "kind=%p"',
        "MachineOf=db@%i.service",
        "Conflicts=web@%i.* d?@%N.service *@%i.service",
        "Failover=%i",
        "Drift=%i",
        "HandOver=%i",
        "Global=%i",
    ]
    assert rules(*lines, name="web@.service") == Requirements(
        metadata=(("rack", "%i"), ("kind", "web")),
        machine_of=("db@%i.service",),
        conflicts=("web@%i.*", "d?@%N.service", "*@%i.service"),
    )
    assert rules("MachineID=%i", name="web@.service").machine_id == "%i"
    assert rules("MachineID=%i", name=f"web@{ID}.service").machine_id == ID
    assert rules("Failover=%i", name="web@eager.service").failover is FailoverMode.EAGER


def test_an_instance_is_judged_by_what_its_rules_have_become() -> None:
    assert "not a machine's ID" in refused("MachineID=%i", name="web@1.service").message
    assert "KEY=VALUE" in refused("MachineMetadata=rack=%i", name="web.service").hint
    overlap = ["MachineOf=db@%i.service", "Conflicts=db@1.service"]
    assert rules(*overlap, name="web@2.service").machine_of == ("db@2.service",)
    assert "matches db@1.service" in refused(*overlap, name="web@1.service").message


def test_what_is_wrong_for_every_instance_is_refused_in_the_template() -> None:
    for line in ("MachineMetadata=rack%i", "Conflicts=web[%i", "MachineOf=db", "Global=maybe"):
        refused(line, name="web@.service")


def test_the_page_about_unit_files_tells_of_every_key_and_every_spelling() -> None:
    told = set(re.findall(r"`([\w-]+)=?`", PAGE.read_text(encoding="utf-8")))
    assert told >= {word for words in SPELLINGS.values() for word in words}
    assert told >= {*FailoverMode, *DriftPolicy, *HandOver}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([word for words in SPELLINGS.values() for word in words]),
            st.text('ab=. "%in@*[]\\!', max_size=10) | st.text(max_size=5),
        ),
        max_size=4,
    ),
    st.sampled_from(["web.service", "web@.service", "web@1.service", "a\\b.mount"]),
)
def test_any_section_is_read_or_refused_with_its_line(
    options: list[tuple[str, str]], name: str
) -> None:
    try:
        rules(*(f"{key}={value}" for key, value in options), name=name)
        place = "web.service:1"
    except UnitFileError as error:
        place = error.place
    assert re.fullmatch(r"web\.service:\d+", place)

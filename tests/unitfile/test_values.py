"""How [X-Fleet] values are parted, quoted and filled in."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.unitfile.keys import SPELLINGS
from tests.unitfile.rules import refused, rules

pairs = st.tuples(st.sampled_from("abc"), st.sampled_from("123")).map("=".join)


@pytest.mark.parametrize(
    "lines",
    [
        ["{}=a.service b.service"],
        ['{}="a.service" "b.service"'],
        ['{}="a.service b.service"'],
        ['{}="a.service"\t  "b.service"'],
        ["{}=a.service", "{}=b.service"],
        ["{}=a.service \\", "  # note", "  b.service"],
    ],
)
@pytest.mark.parametrize("key", ["Conflicts", "MachineOf", "Replaces"])
def test_names_are_parted_by_blanks_quotes_and_lines_alike(key: str, lines: list[str]) -> None:
    asked = rules(*(line.format(key) for line in lines))
    assert ("a.service", "b.service") in (asked.conflicts, asked.machine_of, asked.replaces)


def test_metadata_is_parted_by_quotes_and_lines_only() -> None:
    assert rules("MachineMetadata=region=us east").metadata == (("region", "us east"),)
    assert rules('MachineMetadata="a=1"  "b=x y"\t"a=1"').metadata == (("a", "1"), ("b", "x y"))
    assert rules("MachineMetadata=a=<1!").metadata == (("a", "<1!"),)


@given(st.lists(st.lists(pairs, min_size=1, max_size=3), min_size=1, max_size=4))
def test_how_metadata_is_grouped_in_lines_does_not_matter(groups: list[list[str]]) -> None:
    grouped = ["MachineMetadata=" + " ".join(f'"{pair}"' for pair in group) for group in groups]
    single = [f"MachineMetadata={pair}" for pair in chain.from_iterable(groups)]
    assert rules(*grouped) == rules(*single)


@pytest.mark.parametrize(
    "value",
    ['"a=1" "b=2', '"a=1', 'a="1"', 'a=1 "b=2"', "'a=1'", '"', '"a"b"'],
)
@pytest.mark.parametrize("key", ["MachineMetadata", "Conflicts"])
def test_quotes_that_do_not_match_up_are_refused(key: str, value: str) -> None:
    error = refused(f"{key}={value}")
    assert "quotes" in error.message or "no value" in error.message


@pytest.mark.parametrize("key", [word for words in SPELLINGS.values() for word in words])
def test_an_empty_value_is_refused_because_it_resets_nothing(key: str) -> None:
    for empty in ("", '""', '"" ""'):
        assert "no value" in refused(f"{key}={empty}").message


@pytest.mark.parametrize(
    ("name", "expanded"),
    [
        ("test.service", ("test.service", "test", "test", ":%m%%")),
        ("ssh@2.service", ("ssh@2.service", "ssh@2", "ssh", "2:%m%%")),
        ("a@b@c.1.timer", ("a@b@c.1.timer", "a@b@c.1", "a", "b@c.1:%m%%")),
    ],
)
def test_specifiers_are_replaced_as_fleet_did(name: str, expanded: tuple[str, ...]) -> None:
    asked = rules('MachineMetadata="a=%n" "b=%N" "c=%p" "d=%i:%m%%"', name=name)
    assert tuple(value for _, value in asked.metadata) == expanded


def test_a_backslash_in_a_name_stays_itself_in_a_glob() -> None:
    asked = rules("Conflicts=%p@*.mount", "MachineOf=%p.mount", name="a\\x2db.service")
    assert asked.conflicts == ("a\\\\x2db@*.mount",)
    assert asked.machine_of == ("a\\x2db.mount",)

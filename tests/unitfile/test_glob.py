"""Globs mean what Go's path.Match makes of them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.unitfile.glob import matches, problem

# Small alphabets, so that a pattern and a name often meet. No unit's name holds a '/'; where one
# does, Go gives up on some names that trying every length would still match.
patterns = st.text("ab*?[]^-\\", max_size=8)
names = st.text("ab]^-\\", max_size=8)


def slowly(pattern: str, name: str) -> bool:
    """Match by trying every length of every star: plain to see, slow to run."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(slowly(pattern[1:], name[length:]) for length in range(len(name) + 1))
    if not name:
        return False
    if pattern[0] == "?":
        return slowly(pattern[1:], name[1:])
    if pattern[0] == "[":
        return in_class(pattern, name)
    rest = pattern[1:] if pattern[0] == "\\" else pattern
    return name[0] == rest[0] and slowly(rest[1:], name[1:])


def in_class(pattern: str, name: str) -> bool:
    rest = pattern[1:].removeprefix("^")
    negated = rest != pattern[1:]
    hit, first = False, True
    while first or rest[0] != "]":
        first = False
        low, rest = bound(rest)
        high = low
        if rest[0] == "-":
            high, rest = bound(rest[1:])
        hit = hit or low <= name[0] <= high
    return hit != negated and slowly(rest[1:], name[1:])


def bound(rest: str) -> tuple[str, str]:
    rest = rest.removeprefix("\\")
    return rest[0], rest[1:]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("hello*.service", "hello2.service"),
        ("hello*.service", "hello.service"),
        ("web@?.service", "web@1.service"),
        ("web@[0-9ab].service", "web@b.service"),
        ("web@[^1].service", "web@2.service"),
        ("web@[!a].service", "web@!.service"),
        ("a\\*b", "a*b"),
        ("a[\\]b]c", "a]c"),
        ("a[*?[]c", "a[c"),
        ("*", ""),
        ("*x", "xxx"),
        ("a*b*c*d", "abbcbcd"),
        ("a]", "a]"),
        ("é?[à-ü]", "éßö"),
        ("a?b", "a\nb"),
        ("[^z-a]", "\n"),
    ],
)
def test_a_glob_matches_the_whole_name(pattern: str, name: str) -> None:
    assert matches(pattern, name)
    assert problem(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("hello", "hello.service"),
        ("hello*", "othello.service"),
        ("Hello*.service", "hello1.service"),
        ("web@?.service", "web@10.service"),
        ("web@{1,2}.service", "web@1.service"),
        ("*", "a/b"),
        ("a?b", "a/b"),
        ("*[^b]*b", "a/ab"),
        ("**", "a/b"),
        ("[z-a]", "q"),
        ("", "a"),
        ("a", "a\n"),
    ],
)
def test_what_does_not_match_is_not_malformed(pattern: str, name: str) -> None:
    assert not matches(pattern, name)
    assert problem(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        *("[", "[a", "[]", "[]a]", "[^]", "[^", "[-]", "[-a]", "[a-]", "[a-b-c]", "a["),
        *("\\", "a\\", "[\\", "[a-\\"),
    ],
)
def test_a_malformed_glob_is_told_and_matches_nothing(pattern: str) -> None:
    assert problem(pattern)
    assert not matches(pattern, pattern)


@given(patterns, names)
def test_fast_and_slow_matching_agree(pattern: str, name: str) -> None:
    if not problem(pattern):
        assert matches(pattern, name) == slowly(pattern, name)


@given(st.text(), st.text())
def test_any_text_may_be_a_pattern(pattern: str, name: str) -> None:
    assert matches(pattern, name) in (True, False)


@given(st.text())
def test_a_name_matches_its_own_escaped_spelling(name: str) -> None:
    assert matches("".join("\\" + char for char in name), name)


def test_no_pattern_is_slow() -> None:
    begin = time.perf_counter()
    assert not matches("*a" * 100 + "b", "a" * 255)
    assert not matches("*[^b]?" * 60 + "c", "a" * 255)
    assert time.perf_counter() - begin < 1

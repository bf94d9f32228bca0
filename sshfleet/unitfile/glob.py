"""Globs over whole unit names, with the meaning of Go's path.Match, which fleet used.

`*` any run of characters but `/`, `?` any one but `/`, `[abc] [a-z] [^x]` one of a class, `\\`
takes the next character as it is. There is no `**`, no `{a,b}` and no `[!x]`.

Rule 1: no pattern is slow. Each `*` takes the shortest run that lets the piece after it match and
never looks again (an atomic group), so the work is at most pattern × name.
"""

import re
from functools import lru_cache


class _Malformed(ValueError):
    """What is wrong with a pattern, in words that follow "the glob …"."""


def matches(pattern: str, name: str) -> bool:
    """Tell whether the whole of `name` matches; a malformed pattern matches nothing."""
    compiled = _compiled(pattern)
    return isinstance(compiled, re.Pattern) and compiled.fullmatch(name) is not None


def problem(pattern: str) -> str:
    """Say what is wrong with a pattern, nothing when it is well-formed."""
    compiled = _compiled(pattern)
    return compiled if isinstance(compiled, str) else ""


@lru_cache(maxsize=16384)
def _compiled(pattern: str) -> re.Pattern[str] | str:
    try:
        return re.compile(_regex(pattern), re.DOTALL)
    except _Malformed as wrong:
        return str(wrong)


def _regex(pattern: str) -> str:
    first, *rest = _pieces(pattern)
    if not rest:
        return first
    *middle, last = rest
    shortest = "".join(f"(?>[^/]*?{piece})" for piece in middle if piece)
    return f"{first}{shortest}[^/]*{last}"


def _pieces(pattern: str) -> list[str]:
    """Return what stands between the stars, each piece as a regular expression."""
    pieces = [""]
    at = 0
    while at < len(pattern):
        if pattern[at] == "*":
            pieces.append("")
            at += 1
        else:
            one, at = _one_character(pattern, at)
            pieces[-1] += one
    return pieces


def _one_character(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "[":
        return _class(pattern, at + 1)
    if pattern[at] == "?":
        return "[^/]", at + 1
    if pattern[at] == "\\":
        return re.escape(_char(pattern, at + 1, "ends in a lone backslash")), at + 2
    return re.escape(pattern[at]), at + 1


def _class(pattern: str, at: int) -> tuple[str, int]:
    negated = pattern.startswith("^", at)
    at += negated
    ranges = ""
    begin = at
    while at == begin or not pattern.startswith("]", at):
        low, at = _bound(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _bound(pattern, at + 1)
        if low <= high:  # Go takes [z-a] and lets it match nothing
            ranges += f"{re.escape(low)}-{re.escape(high)}"
    if not ranges:
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' * negated}{ranges}]", at + 1


def _bound(pattern: str, at: int) -> tuple[str, int]:
    """Read one end of a range inside a class."""
    char = _char(pattern, at, "has a '[' without its ']'")
    if char in "-]":
        raise _Malformed(f"has '{char}' out of place between '[' and ']'")
    if char == "\\":
        return _char(pattern, at + 1, "ends in a lone backslash"), at + 2
    return char, at + 1


def _char(pattern: str, at: int, otherwise: str) -> str:
    if at >= len(pattern):
        raise _Malformed(otherwise)
    return pattern[at]

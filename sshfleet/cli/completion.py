"""What a shell asks when somebody presses Tab, answered from two small files.

The scripts of `--install-completion` are typer's, and so is the way they ask; only who answers is
not, for typer needs five times as long and knows no units and machines. `completion.txt` tells
verbs and options; tests/cli/test_completion.py holds it against them. Units and machines are those
of the last command that read the same inventory and journal: see `names`.

Rule 1: nothing is imported that takes time: no typer, and neither re nor pathlib.
Rule 2: only words of plain characters are answered, for zsh runs the answer as a command.
Rule 3: what cannot be read is not there; the shell then offers files.
"""

import os
from collections.abc import Iterable, Mapping, Sequence

from sshfleet.cli import names

TABLE = f"{__file__.rpartition('/cli/')[0]}/completion.txt"
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:@_.-=/+,\\")
BREAKS = "@:="
"""Where bash divides words that are one for us."""

FROM_DISK = ("submit", "load", "start", "verify")
SUFFIXES = (".service", ".timer", ".socket", ".mount", ".path", ".target", ".automount", ".swap",
    ".slice")  # fmt: skip

OF_NAMES = {"--machine": "MACHINE", "--on": "MACHINE", "--lose": "MACHINE", "--unit": "UNIT"}
"""Options that take a name."""

Helped = dict[str, str]
Found = list[tuple[str, str]]
"""Words that fit, each with its help."""


class Table:
    """Verbs and options: what follows which words, as `completion.txt` tells."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, tuple[str, str]]] = {}
        with open(TABLE, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 4 ms
            for line in file:
                verb, word, takes, text = line.rstrip("\n").split("\t")
                self._rows.setdefault(verb, {})[word] = (takes, text)

    def options(self, verb: str) -> dict[str, tuple[str, str]]:
        """Return the options that may stand after a verb: what each takes, and its help."""
        rows = {**self._rows.get("", {}), **self._rows.get(verb, {})}
        return {word: row for word, row in rows.items() if word.startswith("-")}

    def verbs(self, group: str = "") -> dict[str, str]:
        """Return the verbs of a group, or of the root, and the help of each."""
        rows = self._rows.get(group, {})
        return {word: text for word, (_, text) in rows.items() if word[0] not in "-*"}

    def argument(self, verb: str) -> str:
        """Return what a verb is about: UNIT, MACHINE, ...; nothing where it takes no words."""
        return self._rows.get(verb, {}).get("*", ("", ""))[0]


def answer(asked: str, environ: Mapping[str, str]) -> tuple[str, int] | None:
    """Return what to print and the exit code; None where it is for typer to answer."""
    shell = asked.removeprefix("complete_")
    if shell == "bash":
        before, begun = _of_bash(environ)
        kept = max(begun.rfind(mark) for mark in BREAKS) + 1
        found = completions(before, begun, environ)
        return "".join(_for_bash(word[kept:]) + "\n" for word, _ in found), 0
    if shell not in ("zsh", "fish"):
        return None
    *before, begun = environ.get("_TYPER_COMPLETE_ARGS", "").split(" ")
    found = completions([word for word in before if word][1:], begun, environ)
    return _for_zsh(found) if shell == "zsh" else _for_fish(found, environ)


class Typed:
    """The words before the cursor's, understood: the verb, its words, the values of options."""

    def __init__(self, table: Table, before: Sequence[str]) -> None:
        self.verb, self.arguments = "", 0
        self.said: dict[str, str] = {}
        words = iter(before)
        for word in words:
            name, equals, value = word.partition("=")
            if word.startswith("-"):
                if table.options(self.verb).get(name, ("", ""))[0]:
                    self.said[name] = value if equals else next(words, "")
            elif word in table.verbs(self.verb) and not self.arguments:
                self.verb = f"{self.verb} {word}".lstrip()
            else:
                self.arguments += 1


def completions(before: Sequence[str], begun: str, environ: Mapping[str, str]) -> Found:
    """Return the words that `begun` may become after the words `before`, sorted."""
    table = Table()
    typed = Typed(table, before)
    options = table.options(typed.verb)
    name, equals, _ = begun.partition("=")
    last = before[-1] if before else ""
    if equals and name in options:
        words = {f"{name}={word}": "" for word in _choices(options[name][0])}
    elif last in options and options[last][0]:
        words = _values(last, options[last][0], typed, environ)
    elif begun.startswith("-"):
        words = {word: text for word, (_, text) in options.items()}
    else:
        words = _arguments(table, typed, begun, environ)
    fitting = [word for word in words if word.startswith(begun) and PLAIN.issuperset(word)]
    return sorted((word, words[word]) for word in fitting)


def _values(option: str, takes: str, typed: Typed, environ: Mapping[str, str]) -> Helped:
    if option in OF_NAMES:
        return _names(OF_NAMES[option], typed, environ)
    return dict.fromkeys(_choices(takes), "")


def _choices(takes: str) -> list[str]:
    """Return the values of an option; none where it takes a PATH, SECONDS or the like."""
    return takes.split("|") if takes.islower() else []


def _arguments(table: Table, typed: Typed, begun: str, environ: Mapping[str, str]) -> Helped:
    if verbs := table.verbs(typed.verb):
        return {} if typed.arguments else verbs
    kind = table.argument(typed.verb)
    if kind == "VERB":
        return table.verbs()
    if typed.verb == "ssh" and typed.arguments:
        return {}  # of the command that is to run there we know nothing
    files = _files(begun) if typed.verb in FROM_DISK else ()
    return _names(kind, typed, environ) | dict.fromkeys(files, "")


def _names(kind: str, typed: Typed, environ: Mapping[str, str]) -> Helped:
    inventory = typed.said.get("-i", typed.said.get("--inventory", ""))
    units, machines = names.known(inventory, typed.said.get("--journal", ""), environ)
    words = dict.fromkeys(units if "UNIT" in kind else (), "")
    return words | dict.fromkeys(machines if "MACHINE" in kind else (), "machine")


def _files(begun: str) -> Iterable[str]:
    """Yield the unit files of the folder that a word begins with."""
    folder = begun.rpartition("/")[0] + "/" if "/" in begun else ""
    try:
        there = os.listdir(folder or ".")  # noqa: PTH208 - as above
    except (OSError, ValueError):
        return
    yield from (folder + name for name in there if name.endswith(SUFFIXES))


def _of_bash(environ: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the words before the cursor's, and that one; bash had divided them at BREAKS."""
    number = environ.get("COMP_CWORD", "")
    parts = environ.get("COMP_WORDS", "").split("\n")
    words: list[str] = []
    glued = False
    for part in parts[: int(number) + 1 if number.isdecimal() else len(parts)]:
        plain = part.strip("'\"").replace("\\\\", "\\")
        is_break = bool(part) and not part.strip(BREAKS)
        if words and part and (is_break or glued):
            words[-1] += plain
        else:
            words.append(plain)
        glued = is_break
    return words[1:-1], words[-1] if len(words) > 1 else ""


def _for_bash(word: str) -> str:
    return word.replace("\\", "\\\\")


def _for_zsh(found: Found) -> tuple[str, int]:
    # zsh runs this by eval: no character that means something there comes through.
    shown = [(word.replace(":", r"\\:"), text) for word, text in found if "\\" not in word]
    if not shown:
        return "_files\n", 0
    told = [f'"{word}":"{_tame(text)}"' if text else f'"{word}"' for word, text in shown]
    lines = "\n".join(told)
    return f"_arguments '*: :(({lines}))'\n", 0


def _tame(text: str) -> str:
    return "".join(char for char in text if char.isalnum() or char in " .,-/").strip()


def _for_fish(found: Found, environ: Mapping[str, str]) -> tuple[str, int]:
    if environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return "", 0 if found else 1
    return "".join(f"{word}\t{text}\n" if text else f"{word}\n" for word, text in found), 0

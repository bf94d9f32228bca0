"""Makes `completion.txt`, what completion knows of verbs and options, from the verbs themselves.

    .venv/bin/python -c 'from sshfleet.cli.completion_table import table; print(table(), end="")'

A line is: verb (empty for the root), word, what it takes, help; `*` stands for a verb's arguments.
"""

from collections.abc import Iterator
from typing import Any

import typer

from sshfleet.cli.app import command_line


def table() -> str:
    """Return the whole table."""
    rows = _rows("", typer.main.get_command(command_line()))
    return "".join("\t".join(row) + "\n" for row in rows)


def _rows(verb: str, command: Any) -> Iterator[tuple[str, str, str, str]]:
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            yield verb, "*", _name(parameter.metavar), ""
        else:
            for name in parameter.opts:
                yield verb, name, _takes(parameter), _line(parameter.help)
    yield verb, "--help", "", "Show this message and exit."
    for name, one in getattr(command, "commands", {}).items():
        yield verb, name, "", _line(one.help)
        yield from _rows(f"{verb} {name}".lstrip(), one)


def _takes(option: Any) -> str:
    """Return what an option takes: choices as a|b|c, else a word in capitals; "" for a flag."""
    if option.is_flag:
        return ""
    choices = getattr(option.type, "choices", None)
    return "|".join(map(str, choices)) if choices else (option.metavar or "VALUE").upper()


def _name(metavar: str | None) -> str:
    return (metavar or "VALUE").strip("[].").upper()


def _line(text: str | None) -> str:
    return " ".join((text or "").split())

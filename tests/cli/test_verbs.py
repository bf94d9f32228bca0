"""One verb is made without the others, and is the same for it."""

import subprocess
import sys

import pytest

from sshfleet.cli.app import command_line
from sshfleet.cli.verbs import MODULES, ROOT, VERBS


@pytest.mark.parametrize("verb", ["", "--help", "begin", "-"])
def test_what_is_no_verb_gets_all_verbs_in_the_order_of_the_help(verb: str) -> None:
    verbs = [verb for verbs in MODULES.values() for verb in verbs]
    assert _names(verb) == [*verbs[:-2], *ROOT, *verbs[-2:]]


@pytest.mark.parametrize(("module", "verbs"), MODULES.items())
def test_a_verb_gets_those_of_its_module(module: str, verbs: tuple[str, ...]) -> None:
    for verb in verbs:
        assert sorted(_names(verb)) == sorted([*verbs, *ROOT]), module


def test_no_verb_is_in_two_modules() -> None:
    assert len(VERBS) == sum(map(len, MODULES.values())) + len(ROOT)


def test_a_verb_imports_no_other_verbs() -> None:
    words = "import sys; from sshfleet.cli.app import command_line; command_line('list-units')"
    listed = "print(*(name for name in sys.modules if name.startswith('sshfleet.cli.')))"
    done = subprocess.run(
        [sys.executable, "-c", f"{words}; {listed}"], capture_output=True, text=True, check=True
    )
    others = {f"sshfleet.cli.{name}" for name in MODULES if name != "lists"}
    assert not others & set(done.stdout.split())


def _names(verb: str) -> list[str]:
    app = command_line(verb)
    commands = [one.name or "" for one in app.registered_commands]
    return commands + [one.name or "" for one in app.registered_groups]

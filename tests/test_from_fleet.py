"""docs/from-fleet.md tells of all verbs, options and variables of fleetctl, and it is so."""

import re
from pathlib import Path

import pytest
import typer

from sshfleet.__main__ import VERSION
from sshfleet.cli.app import command_line, run
from sshfleet.cli.argv import SPELLINGS, hoisted
from sshfleet.cli.instead import OPTIONS, VERBS, instead
from sshfleet.unitfile.keys import SPELLINGS as KEYS
from sshfleet.unitfile.keys import Key

PAGE = (Path(__file__).parent.parent / "docs/from-fleet.md").read_text()

# fleetctl at the end of its life, hidden spellings and deprecated options included.
GLOBAL = """
    --help --h -h --version -v --debug --driver --endpoint --etcd-key-prefix --key-file --cert-file
    --ca-file --known-hosts-file --strict-host-key-checking --ssh-timeout --tunnel --request-timeout
    --ssh-username --experimental-api --etcd-keyfile --etcd-certfile --etcd-cafile
"""
VERB_OPTIONS = {
    "cat": "",
    "destroy": "--no-block --block-attempts",
    "fd-forward": "",
    "help": "",
    "journal": "--lines --follow --f --output --sudo --ssh-port",
    "list-machines": "--full --l --no-legend --fields",
    "list-unit-files": "--full --no-legend --fields",
    "list-units": "--full --l --no-legend --fields",
    "load": "--no-block --block-attempts --replace --sign",
    "restart": "--block-attempts",
    "ssh": "--machine --unit --forward-agent --A --ssh-port",
    "start": "--no-block --block-attempts --replace --sign",
    "status": "--ssh-port",
    "stop": "--no-block --block-attempts",
    "submit": "--replace --sign",
    "unload": "--no-block --block-attempts",
    "verify": "",
    "version": "",
}
ROOT = typer.main.get_command(command_line())
COMMANDS: dict[str, typer.core.TyperCommand] = ROOT.commands  # type: ignore[attr-defined]


def rows(section: str) -> list[list[str]]:
    """Return the cells of the tables below a heading, the heads of the tables left out."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    found = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in found if "fleetctl" not in row]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def known(command: object) -> set[str]:
    """Return the options that the program's parser takes, fleet's spellings of them included."""
    params = command.params  # type: ignore[attr-defined]
    options = {"-h", "--help", *(name for each in params for name in each.opts)}
    options |= {old for old, new in SPELLINGS.items() if new in options}
    return options | {word for [word] in VERSION if command is ROOT}


def told(section: str, *, of: str = "") -> dict[str, str]:
    """Map each verb or option of a section to what the page says: same, other or none."""
    found = rows(section)
    if of:
        found = [row[1:] for row in found if quoted(row[0]) == [of]]
    return {name: row[1] for row in found for name in quoted(row[0])}


def test_every_verb_of_fleetctl_has_a_row_and_no_other() -> None:
    assert sorted(told("Verbs")) == sorted(VERB_OPTIONS)


@pytest.mark.parametrize(("verb", "here"), told("Verbs").items())
def test_a_verb_is_there_or_not_as_told(verb: str, here: str) -> None:
    assert here in ("same", "other", "none")
    assert (verb in COMMANDS) == (here != "none")
    assert (verb in VERBS) == (here == "none")


def test_every_global_option_of_fleetctl_has_a_row_and_no_other() -> None:
    assert sorted(told("Global options")) == sorted(GLOBAL.split())


@pytest.mark.parametrize(("option", "here"), told("Global options").items())
def test_a_global_option_is_there_or_not_as_told(option: str, here: str) -> None:
    assert here in ("same", "other", "none")
    assert (option in known(ROOT)) == (here != "none")
    assert (option in OPTIONS) == (here == "none")


@pytest.mark.parametrize("verb", VERB_OPTIONS)
def test_every_option_of_a_verb_has_a_row_and_is_there_or_not_as_told(verb: str) -> None:
    rows = told("Options of verbs", of=verb)
    assert sorted(rows) == sorted(VERB_OPTIONS[verb].split())
    for option, here in rows.items():
        assert here in ("same", "other", "none")
        assert (option in known(COMMANDS[verb])) == (here != "none"), option
        assert (option in OPTIONS) == (here == "none"), option


def test_every_variable_of_fleetctl_has_a_row_and_its_successor_is_read() -> None:
    table = {name: row[1] for row in rows("Environment") for name in quoted(row[0])}
    long = [option for option in GLOBAL.split() if re.match(r"--..", option)]
    theirs = ["FLEETCTL_" + option[2:].upper().replace("-", "_") for option in long]
    assert sorted(table) == sorted([*theirs, "SSH_AUTH_SOCK"])
    ours = {str(each.envvar) for each in ROOT.params}
    named = {name for cell in table.values() for name in quoted(cell) if "SSHFLEET" in name}
    assert named <= ours


@pytest.mark.parametrize("word", [*OPTIONS, *VERBS])
def test_what_is_gone_is_refused_with_what_to_do_instead(
    word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([word, "x"]) == 2
    assert f"hint: {instead(f'No such option: {word}')}\n" in capfd.readouterr().err
    assert instead(f"No such option: {word}")


def test_host_keys_may_be_asked_for_as_fleet_did() -> None:
    words = ["list-units", "--strict-host-key-checking=false", "--l"]
    assert hoisted(words) == ["--strict-host-key-checking=no", "list-units", "-l"]
    words[1] = "--strict-host-key-checking=true"
    assert hoisted(words)[0] == "--strict-host-key-checking=ask"


NEW = (Key.FAILOVER, Key.DRIFT, Key.HAND_OVER)  # keys that fleet never had


def test_every_key_of_x_fleet_and_every_old_spelling_is_told_of() -> None:
    told_of = [name for row in rows("Unit files") for name in quoted(row[0])]
    ours = [name for key, words in KEYS.items() if key not in NEW for name in words]
    assert sorted(told_of) == sorted(ours)

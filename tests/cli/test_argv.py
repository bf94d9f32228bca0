"""Global options before and after the verb, and verbs cut short."""

import pytest

from sshfleet.cli.argv import hoisted, verb_of
from sshfleet.cli.verbs import VERBS
from sshfleet.errors import UsageError


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("start web -i x.yaml", "-i x.yaml start web"),
        ("-i x.yaml start web", "-i x.yaml start web"),
        ("start --timeout=5 web --no-block", "--timeout=5 start web --no-block"),
        ("list-units -o json -l", "-o json list-units -l"),
        ("list-units -ojson", "-ojson list-units"),
        ("--debug list-units --quiet", "--debug --quiet list-units"),
        ("list-units --fields unit,sub -F cfg", "-F cfg list-units --fields unit,sub"),
    ],
)
def test_global_options_come_to_the_front(words: str, expected: str) -> None:
    assert hoisted(words.split()) == expected.split()


@pytest.mark.parametrize(
    "words",
    [
        "ssh core-01 ls -i --timeout 5",
        "ssh --machine core-01 ls -o json",
        "ssh -A web.service journalctl -o cat",
        "start -- -i",
        "journal web -o json",
        "journal web --output cat -f",
        "lab up 3 --inventory here.yaml",
    ],
)
def test_what_belongs_to_the_verb_or_to_the_machine_stays_where_it_is(words: str) -> None:
    assert hoisted(words.split()) == words.split()


def test_options_of_sshfleet_before_the_machine_are_still_ours() -> None:
    words = ["ssh", "-i", "x.yaml", "core-01", "ls", "-i"]
    assert hoisted(words) == ["-i", "x.yaml", "ssh", "core-01", "ls", "-i"]


def test_a_machine_called_ssh_begins_the_command_too() -> None:
    assert hoisted(["ssh", "ssh", "ls", "-i", "x"]) == ["ssh", "ssh", "ls", "-i", "x"]


@pytest.mark.parametrize(
    ("short", "verb"),
    [
        ("sub", "submit"),
        ("des", "destroy"),
        ("unl", "unload"),
        ("res", "restart"),
        ("sto", "stop"),
        ("star", "start"),
        ("stat", "status"),
        ("j", "journal"),
        ("ca", "cat"),
        ("list-m", "list-machines"),
        ("list-unit-", "list-unit-files"),
        ("list-units", "list-units"),
        ("start", "start"),
    ],
)
def test_a_verb_may_be_cut_short(short: str, verb: str) -> None:
    assert hoisted(["--quiet", short, "x", "--l"], VERBS) == ["--quiet", verb, "x", "-l"]


@pytest.mark.parametrize("short", ["l", "list-unit", "s", "st", "sta", "v", "re"])
def test_a_verb_cut_too_short_names_the_verbs_it_may_be(short: str) -> None:
    with pytest.raises(UsageError) as caught:
        hoisted([short, "x"], VERBS)
    candidates = sorted(verb for verb in VERBS if verb.startswith(short))
    assert caught.value.message.endswith(": " + ", ".join(candidates))


def test_a_verb_cut_short_has_its_own_options() -> None:
    assert hoisted(["jour", "web", "-o", "json"], VERBS) == ["journal", "web", "-o", "json"]
    assert hoisted(["ss", "--A", "one", "ls", "--l"], VERBS) == ["ssh", "-A", "one", "ls", "--l"]


def test_what_is_no_verb_at_all_stays_as_it_is() -> None:
    assert hoisted(["frobnicate", "--l"], VERBS) == ["frobnicate", "-l"]


def test_a_verb_that_another_begins_with_is_itself() -> None:
    assert hoisted(["plan", "x"], {"plan", "planet"}) == ["plan", "x"]


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        ("list-units -l", "list-units"),
        ("--journal plan list-units start", "list-units"),
        ("-oplan --debug --timeout=5 start web", "start"),
        ("-F", ""),
        ("--debug", ""),
        ("--help start", "--help"),
    ],
)
def test_the_verb_is_what_follows_the_global_options(words: str, verb: str) -> None:
    assert verb_of(words.split()) == verb

"""Global options before and after the verb."""

import pytest

from sshfleet.cli.argv import hoisted


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

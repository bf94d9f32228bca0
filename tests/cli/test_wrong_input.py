"""Wrong input, typed as a user would: one line that says what is wrong, a hint, the exit code.

No machine is contacted here; what needs one is in tests/lab/test_wrong_input.py.
"""

import fcntl
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.agents import agent_at
from tests.lab.user import Ended, User

# TEST-NET-1 of RFC 5737: no machine ever has these addresses.
INVENTORY = """\
machines:
  one: {address: 192.0.2.1, host_key: ssh-ed25519 KEY}
  two: {address: 192.0.2.2, host_key: ssh-ed25519 KEY}
""".replace("KEY", "AAAAC3NzaC1lZDI1NTE5AAAAIPZxgkP4Fcdot+hNXyXyX7g2kSKmelkKicFT0JWdVKaZ")
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n"

LISTS = ("list-machines", "list-units", "list-unit-files")
FILES = ("submit web", "load web", "start web")
NAMES = ("stop web", "unload web", "destroy web", "restart web", "status web", "journal web")
EVERY = (*LISTS, *FILES, *NAMES, "cat web", "ssh web", "verify web.service", "reconcile")


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSH_AUTH_SOCK": str(tmp_path / "nobody")})
    someone.writes("inventory.yaml", INVENTORY)
    return someone


def is_refused(ended: Ended, code: int, words: str) -> None:
    """Check that one line says what is wrong and one what to do, and nothing else is said."""
    assert ended.stdout == ""
    assert ended.code == code, ended
    error, hint = ended.stderr.splitlines()
    assert error.startswith("error: ")
    assert words in error
    assert hint.startswith("hint: ")
    assert len(hint) > len("hint: ")


@pytest.mark.parametrize("command", EVERY)
def test_an_unknown_option_is_named(user: User, command: str) -> None:
    verb, *rest = command.split()

    is_refused(user.runs(verb, "--frobnicate", *rest), 2, "--frobnicate")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("frobnicate", "frobnicate"),
        ("st web", "'st' may be short for several verbs: start, status, stop"),
        ("submit", "No units given"),
        ("load", "No units given"),
        ("start", "No units given"),
        ("restart", "No units given"),
        ("stop", "No units given"),
        ("unload", "No units given"),
        ("destroy", "No units given"),
        ("status", "No units given"),
        ("cat", "UNIT"),
        ("cat web db", "db"),
        ("verify", "UNIT-FILE"),
        ("ssh", "no machine or unit given"),
        ("ssh --machine one --unit web true", "exclude each other"),
        ("start web --block-attempts many", "many"),
        ("journal web --lines -1", "-1"),
        ("list-units --timeout soon", "soon"),
        ("list-units --timeout -1", "--timeout"),
        ("list-units --ssh-timeout 0", "--ssh-timeout"),
        ("list-units --lock-wait soon", "soon"),
        ("cordon one --lock-wait -1", "-1.0 is not a number of seconds from 0 on"),
        ("cordon one --lock-wait nan", "nan is not a number of seconds"),
        ("cordon one --lock-wait inf", "inf is not a number of seconds"),
        ("cordon one --keep-history -1", "-1.0 is not a number of days from 0 on"),
        ("list-units --output xml", "xml"),
        ("list-units --strict-host-key-checking maybe", "maybe"),
        ("list-units --fields unit,foo", 'Invalid key in output format: "foo"'),
        ("list-machines --fields unti", 'Invalid key in output format: "unti"'),
        ("list-unit-files --fields=", "Must define output format"),
        ("help frobnicate", "frobnicate"),
        ("lab frobnicate", "frobnicate"),
    ],
)
def test_wrong_usage_is_told(user: User, command: str, words: str) -> None:
    is_refused(user.runs(*command.split()), 2, words)


def test_a_wrong_value_in_the_environment_is_told(user: User) -> None:
    is_refused(user.runs("list-units", SSHFLEET_TIMEOUT="soon"), 2, "soon")
    is_refused(user.runs("list-units", SSHFLEET_LOCK_WAIT="soon"), 2, "soon")
    is_refused(user.runs("list-units", SSHFLEET_ALLOW_NETWORK_FS="maybe"), 2, "maybe")


@pytest.mark.parametrize("command", FILES)
def test_a_unit_without_a_file_is_told(user: User, command: str) -> None:
    ended = user.runs(*command.split())

    is_refused(ended, 1, "unable to find unit web.service in the journal or on disk")
    assert "hint: there is no file web.service" in ended.stderr


def test_a_misspelled_file_is_recognised(user: User) -> None:
    user.writes("webserver.service", UNIT)

    ended = user.runs("start", "websever.service")

    is_refused(ended, 1, "websever.service")
    assert "did you mean webserver.service?" in ended.stderr


def test_a_file_to_verify_that_is_missing_is_told(user: User) -> None:
    is_refused(user.runs("verify", "web.service"), 2, "web.service: cannot read it")


@pytest.mark.parametrize("verb", ["start", "stop"])
@pytest.mark.parametrize("name", ["web{1..3}", "a b", "@.service", "web;reboot", "x" * 300, ""])
def test_a_name_that_no_unit_can_have_is_told(user: User, verb: str, name: str) -> None:
    is_refused(user.runs(verb, name), 2, "")


@pytest.mark.parametrize("command", [*NAMES, "cat web"])
def test_a_unit_that_nobody_registered_is_told(user: User, command: str) -> None:
    is_refused(user.runs(*command.split()), 1, "Unit web.service not found")


def test_a_misspelled_unit_is_recognised(user: User) -> None:
    user.writes("web.service", UNIT)
    user.gets("submit", "web")

    ended = user.runs("destroy", "wbe")

    is_refused(ended, 1, "Unit wbe.service not found")
    assert "hint: did you mean web.service?" in ended.stderr


def test_a_glob_that_matches_nothing_is_told(user: User) -> None:
    is_refused(user.runs("stop", "web@*"), 1, "no unit matches 'web@*'")


def test_a_machine_that_nobody_listed_is_told(user: User) -> None:
    for words in (("nobody",), ("--machine", "nobody", "true"), ("--unit", "nobody", "true")):
        is_refused(user.runs("ssh", *words), 1, "'nobody'")


@pytest.mark.parametrize("verb", ["load", "start"])
def test_a_template_cannot_be_placed(user: User, verb: str) -> None:
    user.writes("web@.service", UNIT)

    ended = user.runs(verb, "web@.service")

    is_refused(ended, 2, "web@.service is a template")
    assert f"sshfleet {verb} web@1.service" in ended.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[Service\nExecStart=/bin/true\n", "web.service:1"),
        (UNIT + "[X-Fleet]\nConflict=a*\n", "web.service:4"),
        (UNIT + "[X-Fleet]\nMachineMetadata=a=1 b=2\n", "web.service:4"),
        (UNIT + "[X-Fleet]\nGlobal=perhaps\n", "web.service:4"),
        (UNIT + "[X-Fleet]\nMachineID=xyz\n", "web.service:4"),
        ("", "web.service"),
    ],
)
@pytest.mark.parametrize("verb", ["submit", "verify"])
def test_what_is_wrong_in_a_unit_file_is_told_with_its_line(
    user: User, text: str, words: str, verb: str
) -> None:
    user.writes("web.service", text)

    is_refused(user.runs(verb, "web.service"), 2, words)
    assert user.gets("list-unit-files", "--no-legend") == ""


@pytest.mark.parametrize("command", [*LISTS, *FILES, "reconcile", "ssh one"])
def test_without_an_inventory_the_hint_tells_how_to_get_one(user: User, command: str) -> None:
    (user.folder / "inventory.yaml").unlink()
    user.writes("web.service", UNIT)

    ended = user.runs(*command.split(), "--journal", "j/journal.jsonl")

    is_refused(ended, 2, "no inventory: looked for ")
    assert "sshfleet lab up" in ended.stderr


@pytest.mark.parametrize("command", ["list-machines", "start web"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        (INVENTORY.replace("address", "adress", 1), "inventory.yaml:2:9: "),
        (INVENTORY + "machine: {}\n", "inventory.yaml:4:1: "),
        ("machines: [\n", "inventory.yaml:2:1: "),
        ("", "inventory.yaml"),
    ],
)
def test_what_is_wrong_in_the_inventory_is_told_with_its_place(
    user: User, command: str, text: str, place: str
) -> None:
    user.writes("inventory.yaml", text)
    user.writes("web.service", UNIT)

    is_refused(user.runs(*command.split()), 2, place)


def test_an_inventory_that_is_not_there_is_told(user: User) -> None:
    is_refused(user.runs("list-machines", "-i", "gone.yaml"), 2, "gone.yaml")


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give sockets by what is wrong with the agent behind them."""
    dead = tmp_path / "dead"
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(dead))
    empty = tmp_path / "empty"
    with agent_at(empty):
        yield {"missing": "", "dead": str(dead), "empty": str(empty)}


@pytest.mark.parametrize("command", ["list-machines", "start web", "reconcile", "ssh one id"])
@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("missing", "no ssh-agent: SSH_AUTH_SOCK is not set"),
        ("dead", "no ssh-agent at "),
        ("empty", "the ssh-agent holds no key"),
    ],
)
def test_without_a_key_nothing_is_done(
    user: User, agents: dict[str, str], command: str, agent: str, words: str
) -> None:
    user.writes("web.service", UNIT)
    user.gets("submit", "web")
    before = user.gets("list-unit-files", "--cached", "--quiet")

    is_refused(user.runs(*command.split(), SSH_AUTH_SOCK=agents[agent]), 77, words)
    assert user.gets("list-unit-files", "--cached", "--quiet") == before


@pytest.mark.parametrize("command", ["submit web", "destroy web", "reconcile"])
def test_a_journal_that_cannot_be_written_is_told(user: User, command: str) -> None:
    user.writes("web.service", UNIT)
    user.writes("file", "")

    is_refused(user.runs(*command.split(), "--journal", "file/journal.jsonl"), 74, "file")


def test_a_journal_that_is_damaged_is_told_with_its_line(user: User) -> None:
    user.writes("web.service", UNIT)
    user.gets("submit", "web", "--journal", "j/journal.jsonl")
    path = user.folder / "j/journal.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first.replace(b"{", b"(", 1) + b"".join(rest))

    for command in ("list-unit-files", "cat web", "destroy web"):
        ended = user.runs(*command.split(), "--journal", "j/journal.jsonl")
        is_refused(ended, 74, "journal.jsonl:1")


@pytest.mark.parametrize("command", ["submit web", "destroy web", "reconcile"])
def test_a_journal_that_another_holds_is_told(user: User, command: str) -> None:
    user.writes("web.service", UNIT)
    user.gets("submit", "web", "--journal", "j/journal.jsonl")
    (lock,) = (user.folder / "j").glob("*lock*")

    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ended = user.runs(*command.split(), "--journal", "j/journal.jsonl")

    is_refused(ended, 75, "another sshfleet holds the journal")

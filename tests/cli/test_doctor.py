"""doctor on this computer, where no machine answers; what it finds there, tests/lab shows."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.agents import add_key, agent_at
from tests.lab.user import Ended, User
from tests.schema import decoded

INVENTORY = """\
machines:
  closed: {address: 127.0.0.1, port: PORT, user: core}
"""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    """Give a user with a key in an agent, and a machine without an sshd."""
    agent = tmp_path / "agent.socket"
    with socket.socket() as closed, agent_at(agent):
        closed.bind(("127.0.0.1", 0))  # held, and nobody listens there
        someone = User(tmp_path, {"SSH_AUTH_SOCK": str(agent)})
        someone.writes("inventory.yaml", INVENTORY.replace("PORT", str(closed.getsockname()[1])))
        add_key(tmp_path / "key", someone)
        yield someone


def lines(ended: Ended) -> dict[str, str]:
    """Return what is said about each thing, without what mends it."""
    found = [line.split(None, 1) for line in ended.stdout.splitlines() if line[0] != " "]
    return {words[0]: words[1] for words in found if len(words) == 2}


def test_each_part_is_examined_and_the_gravest_problem_is_the_exit_code(user: User) -> None:
    ended = user.runs("doctor")
    said = lines(ended)
    assert (ended.code, ended.stderr) == (3, "")
    assert said["agent"].startswith("ok     key ssh-ed25519 SHA256:")
    assert said["inventory"] == "ok     inventory.yaml: 1 machine"
    assert said["known_hosts"].startswith("note ")
    assert said["journal"].startswith("note ")
    assert said["closed"].startswith("wrong  no-sshd since ")
    assert (
        ended.stdout.splitlines()[-2].strip()
        == "mend: on its console: systemctl start ssh (or sshd)"
    )
    assert ended.stdout.splitlines()[-1] == "1 problem"


def test_without_an_agent_no_machine_is_contacted_and_all_else_is_examined(user: User) -> None:
    ended = user.runs("doctor", SSH_AUTH_SOCK="")
    said = lines(ended)
    assert ended.code == 77
    assert said["agent"] == "wrong  no ssh-agent: SSH_AUTH_SOCK is not set"
    assert {"inventory", "known_hosts", "journal"} <= said.keys()
    assert "closed" not in said


def test_a_certificate_that_ended_is_no_problem_as_long_as_there_are_other_keys(user: User) -> None:
    key = user.folder / "key"
    words = ("-q", "-s", key, "-I", "me", "-n", "core", "-V", "19700101Z:20200101Z")
    subprocess.run(["ssh-keygen", *words, f"{key}.pub"], check=True)
    subprocess.run(["ssh-add", "-q", key], check=True, env=user.variables, capture_output=True)
    beside = user.runs("doctor")
    told = "^agent +note +certificate .* ended at 2020-01-01 "
    assert re.search(told, beside.stdout, re.MULTILINE)
    assert beside.code == 3  # the machine was looked at


def test_a_bad_inventory_is_a_finding_and_so_is_one_that_everybody_may_write(user: User) -> None:
    (user.folder / "inventory.yaml").chmod(0o666)
    writable = user.runs("doctor")
    assert writable.code == 2
    assert "mend: chmod o-w inventory.yaml" in writable.stdout
    user.writes("inventory.yaml", "machines: 3\n")
    bad = user.runs("doctor")
    assert bad.code == 2
    assert lines(bad)["inventory"].startswith("wrong  inventory.yaml:1:11: ")


def test_a_damaged_journal_is_a_finding_with_the_verb_that_repairs_it(user: User) -> None:
    assert user.runs("cordon", "closed", "--journal", "j/journal.jsonl").code == 0
    sound = user.runs("doctor", "--journal", "j/journal.jsonl")
    assert ", mode 0600" in lines(sound)["journal"]
    assert lines(sound)["clock"].startswith("ok ")
    journal = user.folder / "j/journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"closed", b"clothed"))
    damaged = user.runs("doctor", "--journal", "j/journal.jsonl")
    assert damaged.code == 74
    assert "sshfleet journal-repair" in damaged.stdout


def test_a_clock_behind_the_journal_is_told(user: User) -> None:
    assert user.runs("cordon", "closed", "--journal", "j/journal.jsonl").code == 0
    journal = user.folder / "j/journal.jsonl"
    ahead = journal.stat().st_mtime + 7200
    os.utime(journal, (ahead, ahead))
    said = lines(user.runs("doctor", "--journal", "j/journal.jsonl"))
    assert said["clock"].startswith("wrong  the clock here is 7")


def test_the_same_as_json(user: User) -> None:
    ended = user.runs("doctor", "-o", "json")
    document = decoded("doctor", ended.stdout)
    assert (ended.code, document.well, document.problems) == (3, False, 1)
    (closed,) = [one for one in document.findings if one.about == "closed"]
    assert closed.level == "problem"


def test_doctor_makes_no_journal_and_remembers_how_machines_stand(user: User) -> None:
    user.runs("doctor", "--journal", "j/journal.jsonl")
    assert not (user.folder / "j/journal.jsonl").exists()
    known = user.runs("list-machines", "--cached", "--journal", "j/journal.jsonl")
    assert "closed no-sshd since " in known.stderr

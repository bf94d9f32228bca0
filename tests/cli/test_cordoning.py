"""cordon and uncordon: what is said of machines, without asking any."""

import json
from pathlib import Path

import pytest

from tests.cli.test_wrong_input import INVENTORY, is_refused
from tests.lab.user import User


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSH_AUTH_SOCK": ""})
    someone.writes("inventory.yaml", INVENTORY)
    return someone


def cordoned(user: User) -> list[str]:
    rows = user.gets("list-machines", "--cached", "--quiet", "--fields", "cordoned", "--no-legend")
    return rows.splitlines()


def test_machines_are_cordoned_and_uncordoned_without_being_asked(user: User) -> None:
    assert user.gets("cordon", "two") == "Machine two cordoned\n"
    assert cordoned(user) == ["no", "yes"]
    assert user.gets("cordon", "two", "one", "one") == (
        "Machine two cordoned\nMachine one cordoned\n"
    )
    assert user.gets("uncordon", "two") == "Machine two uncordoned\n"
    assert user.gets("uncordon", "two") == "Machine two uncordoned\n"
    assert cordoned(user) == ["yes", "no"]


def test_of_several_machines_none_is_cordoned_when_one_is_unknown(user: User) -> None:
    is_refused(user.runs("cordon", "one", "tow"), 2, "no machine 'tow' in the inventory")
    assert "hint: did you mean two?" in user.runs("cordon", "tow").stderr
    is_refused(user.runs("cordon"), 2, "MACHINE")
    assert cordoned(user) == ["no", "no"]


def test_a_dry_run_shows_what_it_would_be_and_writes_nothing(user: User) -> None:
    assert user.gets("cordon", "two", "--dry-run").splitlines()[-1] == "1 to cordon"
    assert cordoned(user) == ["no", "no"]
    user.gets("cordon", "two")
    assert "nothing to do" in user.gets("cordon", "two", "--dry-run")


def test_what_became_of_it_is_told_as_json(user: User) -> None:
    assert json.loads(user.gets("cordon", "one", "-o", "json")) == {
        "version": 1,
        "machines": [{"name": "one", "cordoned": True}],
    }


def test_a_machine_that_left_the_inventory_can_still_be_uncordoned(user: User) -> None:
    user.gets("cordon", "two", "--journal", "j/journal.jsonl")
    user.writes("inventory.yaml", INVENTORY.replace("two:", "three:"))
    is_refused(user.runs("cordon", "two", "--journal", "k/journal.jsonl"), 2, "no machine 'two'")
    assert user.gets("uncordon", "two", "--journal", "j/journal.jsonl") == (
        "Machine two uncordoned\n"
    )

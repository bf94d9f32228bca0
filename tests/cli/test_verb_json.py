"""Verbs that change something, with -o json: one document, and nothing else on stdout."""

from pathlib import Path

import pytest

from tests.cli.test_wrong_input import INVENTORY, UNIT
from tests.lab.user import User
from tests.schema import decoded


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSH_AUTH_SOCK": ""})
    someone.writes("inventory.yaml", INVENTORY)
    someone.writes("web.service", UNIT)
    return someone


def test_what_was_registered_and_destroyed_is_told(user: User) -> None:
    user.writes("every.service", UNIT + "[X-Fleet]\nGlobal=true\n")
    ended = user.runs("submit", "web", "every", "-o", "json")
    assert ended.code == 0
    document = decoded("start", ended.stdout)
    assert [(one.unit, one.ok, one.state, one.is_global) for one in document.units] == [
        ("every.service", True, "inactive", True),
        ("web.service", True, "inactive", False),
    ]

    ended = user.runs("destroy", "web", "-o", "json")
    (unit,) = decoded("start", ended.stdout).units
    assert (ended.code, unit.unit, unit.state, unit.machines) == (0, "web.service", "absent", [])


def test_what_is_refused_is_told_in_the_document_and_on_stderr(user: User) -> None:
    user.gets("submit", "web")
    ended = user.runs("stop", "web", "-o", "json")
    document = decoded("start", ended.stdout)
    assert (ended.code, document.units) == (1, [])
    assert document.refused[0].error in ended.stderr


def test_jsonl_is_a_line_for_each_item(user: User) -> None:
    lines = user.runs("submit", "web", "-o", "jsonl").stdout.splitlines()
    assert [line.partition(",")[0] for line in lines] == ['{"in": "units"', '{"in": "end"']

"""What is told of commands that machines have carried out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.user import User, by_id, visiting
from tests.listed import HistoryList, document


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        yield someone


def test_the_life_of_a_unit_is_told_with_states_results_and_times(lab3: Lab, user: User) -> None:
    first, second = by_id(lab3)[:2]
    user.writes("web.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    user.writes("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    seconds = user.runs("start", "web").seconds
    assert user.runs("start", "bad").code == 1
    user.gets("stop", "web")
    user.gets("destroy", "web")

    past = document("history", user.gets("history", "--unit", "web", "-o", "json"))
    assert isinstance(past, HistoryList)
    assert [(one.kind, one.before, one.after) for one in past.history if one.kind != "text"] == [
        ("want", "inactive", "launched"),
        ("place", None, first.machine_id),
        ("install", None, None),
        ("start", "inactive", "active"),
        ("want", "launched", "loaded"),
        ("stop", "active", "inactive"),
        ("install", None, None),
        ("want", "loaded", "absent"),
        ("remove", "inactive", "inactive"),
    ]
    actions = [one for one in past.history if one.ms is not None]
    assert {one.result for one in actions} == {"done"}
    assert {(one.machine, one.name) for one in actions} == {(first.machine_id, first.name)}
    (start,) = [one for one in actions if one.kind == "start"]
    assert 0.5 < (start.ms or 0) / 1000 < seconds, "the settle time is part of it"
    assert start.command == "sshfleet start web"

    (row,) = user.gets("history", "--failed", "--no-legend").splitlines()
    assert row.split()[3:7] == ["bad.service", second.name, "start", "failed"]

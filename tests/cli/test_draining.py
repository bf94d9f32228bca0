"""drain and evict, as far as no machine has to answer."""

from tests.cli.test_planning import TEXT, remembers, user
from tests.lab.user import User

__all__ = ["user"]


def test_a_machine_to_drain_or_to_evict_has_to_be_known(user: User) -> None:
    for verb in ("drain", "evict"):
        ended = user.runs(verb, "m9")
        assert (ended.code, ended.stdout) == (2, "")
        assert "no machine 'm9' in the inventory" in ended.stderr


def test_a_machine_that_was_never_seen_has_nothing_to_give_up(user: User) -> None:
    ended = user.runs("evict", "m1")
    assert ended.code == 2
    assert "m1 was never seen: it has no units" in ended.stderr


def test_the_start_of_an_id_has_to_fit_one_machine(user: User) -> None:
    remembers(user, {"a.service": (TEXT, "m1")})
    ended = user.runs("evict", "6d3")
    assert ended.code == 2
    assert "'6d3' fits several machines" in ended.stderr


def test_after_the_verb_timeout_is_for_all_of_the_drain(user: User) -> None:
    ended = user.runs("drain", "m9", "--timeout", "-1")
    assert ended.code == 2
    assert "--timeout" in ended.stderr

"""A machine obeys only who may work there, and only work that was planned upon how it is now."""

from dataclasses import replace

import pytest

from sshfleet.model.action import Verb
from sshfleet.model.owner import Claim, Owner
from sshfleet.model.unit import UnitName
from sshfleet.systemd.reply import Owned, Reply
from tests.builders import LINEAGE
from tests.lab.host import SLEEPER, Host, install, order, refused, shown

MARKS = [f"{number}-{number:016x}" for number in range(10)]
OTHER = "fedcba98"


def owner(number: int, turn: int = 1, lineage: str = LINEAGE) -> Owner:
    return Owner(lineage=lineage, mark=MARKS[number], turn=str(turn), by="me@here")


def claim(of: Owner, *known: int, seen: Owner | None = None, floor: int = 0) -> Claim:
    accepted = tuple(MARKS[number] for number in known)
    return Claim(owner=of, accepted=accepted, floor=floor, seen=seen.change if seen else "")


WATCHED = (UnitName("web.service"),)


def begun(host: Host) -> Reply:
    """Let the first run put a unit there."""
    host.stage(SLEEPER)
    orders = install("web.service", SLEEPER), order(Verb.START, "web.service")
    return host.go(*orders, claim=claim(owner(1), 1), watch=WATCHED)


def test_who_comes_first_owns_the_machine_until_its_last_unit_goes(host: Host) -> None:
    assert begun(host).report.owner == owner(1)
    assert host.go().report.owner == owner(1)
    for stranger in (claim(owner(2, lineage=OTHER), 2), claim(owner(2), 2)):
        with pytest.raises(Owned) as caught:
            host.go(order(Verb.STOP, "web.service"), claim=stranger)
        assert caught.value.owner == owner(1)
    assert host.unit("web.service").active == "active"

    gone = host.go(order(Verb.REMOVE, "web.service"), claim=claim(owner(1, 2), 1, seen=owner(1)))
    assert (refused(gone), gone.report.owner) == ({}, None)
    host.sh("[ ! -e /etc/sshfleet ]")


def test_work_that_was_planned_upon_an_older_look_is_not_begun(host: Host) -> None:
    first = shown(begun(host), "web.service").invocation
    restart = order(Verb.RESTART, "web.service")
    orders = install("web.service", SLEEPER, "loaded", 2), order(Verb.STOP, "web.service"), restart

    again = shown(
        host.go(restart, claim=claim(owner(1, 2), 1, seen=owner(1)), watch=WATCHED), "web.service"
    )
    assert again.invocation not in ("", first)
    late = host.go(*orders, claim=claim(owner(3), 1, 3, seen=owner(1)))
    assert len(late.outcomes) == 3
    assert all(outcome.postponed for outcome in late.outcomes)
    assert shown(late, "web.service").invocation == again.invocation
    assert late.report.owner == owner(1, 2)

    seen = late.report.owner
    done = host.go(restart, claim=claim(owner(3), 1, 3, seen=seen), watch=WATCHED)
    assert refused(done) == {}
    assert shown(done, "web.service").invocation not in ("", first, again.invocation)
    assert done.report.owner == owner(3)


def test_work_that_was_planned_upon_another_boot_is_not_begun(host: Host) -> None:
    first = shown(begun(host), "web.service").invocation
    restart, seen = order(Verb.RESTART, "web.service"), owner(1)
    another = replace(claim(owner(2), 1, 2, seen=seen), boot_id="0" * 32)

    late = host.go(restart, claim=another)
    assert [outcome.postponed for outcome in late.outcomes] == [True]
    assert (shown(late, "web.service").invocation, late.report.owner) == (first, owner(1))

    obeyed = replace(another, boot_id=late.report.boot_id)
    done = host.go(restart, claim=obeyed, watch=WATCHED)
    assert refused(done) == {}
    assert shown(done, "web.service").invocation not in ("", first)


def test_a_machine_that_was_set_back_obeys_and_one_with_a_foreign_old_mark_does_not(
    host: Host,
) -> None:
    begun(host)
    stop = order(Verb.STOP, "web.service")
    stranger = claim(owner(5, lineage=OTHER), 4, seen=owner(1), floor=4)
    with pytest.raises(Owned):
        host.go(stop, lineage=OTHER, claim=stranger)
    done = host.go(stop, claim=claim(owner(5), 4, seen=owner(1), floor=4))
    assert (refused(done), done.report.owner) == ({}, owner(5))


def test_records_change_hands_with_the_machine(host: Host) -> None:
    begun(host)
    taken = owner(6, lineage=OTHER)
    told = host.go(lineage=OTHER, claim=claim(taken, 1, 6, seen=owner(1)))
    record = shown(told, "web.service").record
    assert (told.report.owner, record and record.lineage) == (taken, OTHER)
    assert shown(told, "web.service").active == "active"
    back = host.go(claim=claim(owner(7), 6, 7, seen=taken))
    record = shown(back, "web.service").record
    assert (back.report.owner, record and record.lineage) == (owner(7), LINEAGE)


def test_a_look_tells_that_a_run_is_at_work(host: Host) -> None:
    begun(host)
    assert not host.go().report.busy
    host.sh("flock -n /run/systemd/system sleep 60 >/dev/null 2>&1 & echo $! >/run/held")
    try:
        assert host.go().report.busy
    finally:
        host.sh('pkill -P "$(cat /run/held)" || :; rm /run/held')
    assert not host.go().report.busy

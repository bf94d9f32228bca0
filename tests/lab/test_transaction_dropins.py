"""Drop-ins on systemd 252 and 257: in effect, mended, removed, and nobody else's is touched."""

from dataclasses import replace

import pytest

from sshfleet.model.action import Action, Verb
from sshfleet.model.observed import UnitState
from sshfleet.model.unit import UnitName, content_hash, sha256_of
from sshfleet.systemd.reply import Reply
from sshfleet.systemd.transaction import Transaction, request
from tests.builders import LINEAGE
from tests.lab.host import SLEEPER, STAGING, Host, install, order, refused, shown

A = "[Service]\nEnvironment=A=1\n"
B = "[Service]\nEnvironment=B=1\n"
LINKED = "/etc/systemd/system/web.service.d"


def wanted(text: str = SLEEPER, **dropins: str) -> Action:
    named = {f"{name}.conf": dropin for name, dropin in dropins.items()}
    return install("web.service", text, dropins=named)


def put(host: Host, **dropins: str) -> Reply:
    """Put the unit there with these drop-ins, and start it."""
    host.stage(SLEEPER, *dropins.values())
    orders = wanted(**dropins), order(Verb.START, "web.service")
    return host.go(*orders, watch=(UnitName("web.service"),))


def environment(host: Host) -> str:
    return host.sh("systemctl show --value -p Environment web.service").strip()


def test_a_drop_in_is_in_effect_and_comes_changes_and_goes_with_its_unit(host: Host) -> None:
    web = shown(put(host, a=A, b=B), "web.service")
    assert (environment(host), web.active) == ("A=1 B=1", "active")
    assert web.dropins == {"a.conf": sha256_of(A), "b.conf": sha256_of(B)}
    assert web.record is not None
    assert web.record.sha256 == web.content == content_hash(web.sha256, web.dropins)

    changed = shown(put(host, a=A.replace("1", "2")), "web.service")
    assert (environment(host), list(changed.dropins)) == ("A=2", ["a.conf"])
    assert host.sh(f"ls {LINKED} /etc/sshfleet/units/web.service.d").split().count("b.conf") == 0

    plain = shown(put(host), "web.service")
    assert (environment(host), plain.dropins, plain.content) == ("", {}, sha256_of(SLEEPER))
    assert host.sh("ls -d /etc/sshfleet/units/*.d /etc/systemd/system/web* 2>/dev/null || :") == (
        "/etc/systemd/system/web.service\n"
    )

    put(host, a=A)
    assert refused(host.go(order(Verb.REMOVE, "web.service"))) == {}
    assert host.sh("ls -d /etc/sshfleet /etc/systemd/system/web* 2>/dev/null || :") == ""


def test_what_is_in_order_is_not_touched(host: Host) -> None:
    put(host, a=A)
    look = (
        "systemctl show -p UnitsLoadTimestampMonotonic;"
        f"stat -c '%n %i %Z' /etc/sshfleet/*/* /etc/sshfleet/units/*.d/* {LINKED}/*"
    )
    before = host.sh(look)
    assert refused(put(host, a=A)) == {}
    assert host.sh(look) == before


def test_the_install_section_of_a_drop_in_is_followed(host: Host) -> None:
    put(host, a="[Install]\nWantedBy=multi-user.target\n")
    assert "web.service" in host.sh("ls /etc/systemd/system/multi-user.target.wants")


def test_many_instances_share_the_texts_of_their_drop_ins(host: Host) -> None:
    names = [f"web@{number}.service" for number in range(30)]
    host.stage(SLEEPER, A, "")
    dropins = {"10-a.conf": A, "20-empty.conf": "", "x\\x2d@:_.conf": A}
    orders = [install(name, SLEEPER, dropins=dropins) for name in names]

    reply = host.go(*orders, *(order(Verb.START, name) for name in names))

    assert refused(reply) == {}
    sums = {file: sha256_of(text) for file, text in dropins.items()}
    assert [dict(state.dropins) for state in reply.report.units.values()] == [sums] * 30


DRIFT = {
    "edited": "echo '# mine' >>/etc/sshfleet/units/web.service.d/a.conf",
    "deleted": "rm /etc/sshfleet/units/web.service.d/a.conf",
    "unlinked": f"rm {LINKED}/a.conf",
    "no folder": f"rm -r {LINKED}",
    "nothing": "rm -r /etc/sshfleet/units/web.service.d",
    "added": f"""cd /etc/sshfleet/units/web.service.d; cp a.conf z.conf
        ln -s /etc/sshfleet/units/web.service.d/z.conf {LINKED}/""",
}


def test_what_other_hands_changed_shows_and_is_put_right(host: Host) -> None:
    good = shown(put(host, a=A), "web.service")
    for drift, script in DRIFT.items():
        host.sh(script)
        changed = host.unit("web.service")
        assert changed.content != good.content, drift
        assert changed.sha256 == good.sha256

        reply = put(host, a=A)

        assert refused(reply) == {}, drift
        now = shown(reply, "web.service")
        assert (now.dropins, now.record) == (good.dropins, good.record), drift
        assert (now.invocation, environment(host)) == (good.invocation, "A=1"), drift


def test_drop_ins_of_others_are_left_alone(host: Host) -> None:
    host.sh(
        f"mkdir {LINKED}; echo '{B}' >'{LINKED}/over ride.conf'; ln -s /dev/null {LINKED}/n.conf"
    )
    before = host.sh(f"ls -l {LINKED}")
    try:
        put(host, a=A)
        assert environment(host) == "A=1 B=1"
        host.go(order(Verb.REMOVE, "web.service"))
        assert host.sh(f"ls -l {LINKED}") == before
    finally:
        host.sh(f"rm -r {LINKED}")


def test_a_drop_in_of_another_s_name_is_refused_before_anything_is_done(host: Host) -> None:
    old = shown(put(host), "web.service")
    host.sh(f"mkdir {LINKED}; ln -s /nowhere {LINKED}/a.conf")
    before = host.sh(f"ls -l {LINKED} /etc/sshfleet/*")
    try:
        reply = put(host, a=A)
        words = f"the name of its drop-in is taken by {LINKED}/a.conf"
        assert refused(reply)["INSTALL web.service"] == words
        assert shown(reply, "web.service").record == old.record
        assert host.sh(f"ls -l {LINKED} /etc/sshfleet/*") == before
    finally:
        host.sh(f"rm -r {LINKED}")


def test_a_text_that_did_not_arrive_whole_leaves_the_old_unit_as_it_is(host: Host) -> None:
    old = shown(put(host, a=A), "web.service")
    host.stage(B)
    host.sh(f'echo more >>{STAGING}/"$1"', sha256_of(B))
    reply = host.go(wanted(a=A, b=B))
    assert "did not arrive whole" in refused(reply)["INSTALL web.service"]
    now = shown(reply, "web.service")
    assert (now.dropins, now.record, now.invocation) == (old.dropins, old.record, old.invocation)
    assert refused(host.go(wanted(a=A, c="[Unit]\n"))) == {
        "INSTALL web.service": "its text was not uploaded"
    }


def runs_old(state: UnitState, since: UnitState) -> bool:
    assert state.record is not None
    assert state.old_text == (state.record.was == since.invocation == state.invocation)
    return state.old_text


def test_the_record_says_what_ran_when_a_new_text_came(host: Host) -> None:
    first = shown(put(host), "web.service")
    assert not runs_old(first, first)
    changed = shown(put(host, a=A), "web.service")
    assert runs_old(changed, first)

    host.stage(SLEEPER, A)
    again = shown(host.go(replace(wanted(a=A), generation=2)), "web.service")
    assert runs_old(again, first)

    fresh = shown(
        host.go(order(Verb.RESTART, "web.service"), watch=(UnitName("web.service"),)),
        "web.service",
    )
    assert not runs_old(fresh, first)


def test_what_booted_without_its_drop_ins_runs_on_until_a_new_text_comes(host: Host) -> None:
    good = shown(put(host, a=A), "web.service")
    host.sh("rm -r /etc/sshfleet/units/web.service.d; sync")
    host.lab.kill(host.name)
    host.lab.boot(host.name)
    booted = host.unit("web.service")
    assert (booted.active, booted.dropins, booted.record) == ("active", {}, good.record)

    mended = shown(put(host, a=A), "web.service")
    assert (mended.content, mended.record) == (good.content, good.record)
    assert (mended.invocation, environment(host)) == (booted.invocation, "A=1")
    assert not runs_old(mended, booted)

    assert runs_old(shown(put(host), "web.service"), booted)  # be it the text that it booted with


@pytest.mark.parametrize("milliseconds", [50, 120, 190, 260])
def test_a_killed_run_is_completed_and_the_old_process_is_not_forgotten(
    host: Host, milliseconds: int
) -> None:
    first = shown(put(host, a=A), "web.service")
    new = SLEEPER + "# new\n"
    host.stage(new, B)
    kill(host, milliseconds, wanted(new, b=B))

    reply = host.go(wanted(new, b=B))

    now = shown(reply, "web.service")
    assert refused(reply) == {}
    assert (now.sha256, now.dropins) == (sha256_of(new), {"b.conf": sha256_of(B)})
    assert (environment(host), now.invocation) == ("B=1", first.invocation)
    assert runs_old(now, first)

    kill(host, milliseconds, order(Verb.REMOVE, "web.service"))
    assert refused(host.go(order(Verb.REMOVE, "web.service"))) == {}
    assert host.sh("ls -d /etc/sshfleet /etc/systemd/system/web* 2>/dev/null || :") == ""


def kill(host: Host, milliseconds: int, *orders: Action) -> None:
    transaction = Transaction(actions=orders, patience=5.0, lineage=LINEAGE, staging=STAGING)
    run = request(transaction, "0123456789abcdef")
    argv = ("timeout", "-s", "KILL", f"{milliseconds / 1000:.3f}", "sh", "-c", run.script)
    host.lab.run(host.name, *argv, check=False, input=run.data)

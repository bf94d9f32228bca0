"""Kills, full disks, stubborn programs and other hands: the next transaction puts it right."""

import pytest

from sshfleet.model.action import Verb
from sshfleet.model.unit import UnitName
from sshfleet.systemd.reply import ReplyError
from sshfleet.systemd.transaction import Transaction, request
from tests.builders import LINEAGE
from tests.lab.host import SLEEPER, STAGING, Host, install, order, refused, shown

INSTALLED = SLEEPER + "[Install]\nWantedBy=multi-user.target\nAlias=www.service\n"
STUBBORN = """[Service]
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
TimeoutStopSec=3
"""


def test_a_slow_stop_is_reported_and_its_removal_postponed(host: Host) -> None:
    host.run_units({"web.service": STUBBORN})

    first = host.go(order(Verb.REMOVE, "web.service"), patience=0.5)
    assert refused(first) == {"REMOVE web.service": "still stopping"}
    assert shown(first, "web.service").active == "deactivating"

    both = host.go(order(Verb.STOP, "web.service"), order(Verb.REMOVE, "web.service"), patience=0.1)
    assert refused(both) == {
        "STOP web.service": "still stopping",
        "REMOVE web.service": "still stopping",
    }
    assert all(outcome.postponed for outcome in both.outcomes)

    last = host.go(order(Verb.REMOVE, "web.service"))
    assert refused(last) == {}
    assert shown(last, "web.service").load == "not-found"


def test_a_unit_that_refuses_to_be_stopped_says_so(host: Host) -> None:
    host.run_units(
        {"web.service": "[Unit]\nRefuseManualStop=yes\n" + SLEEPER, "db.service": SLEEPER}
    )

    reply = host.go(order(Verb.STOP, "web.service"), order(Verb.STOP, "db.service"), patience=0.3)

    assert list(refused(reply)) == ["STOP web.service"]
    assert "Operation refused" in refused(reply)["STOP web.service"]
    assert shown(reply, "db.service").active == "inactive"


@pytest.mark.parametrize("milliseconds", [5, 15, 30, 45, 60, 80, 100, 130, 170, 250, 400])
def test_a_killed_run_is_completed_by_the_next(host: Host, milliseconds: int) -> None:
    host.stage(INSTALLED)
    orders = [install("web.service", INSTALLED), order(Verb.START, "web.service")]
    kill(host, milliseconds, *orders)

    state = host.unit("web.service")
    assert state.record is None or state.load == "loaded"
    again = host.run_units({"web.service": INSTALLED})
    assert refused(again) == {}
    assert shown(again, "web.service").settled is True
    assert host.sh("cd /etc/systemd/system; readlink -f www.service sshfleet.target.wants/*") == (
        "/etc/sshfleet/units/web.service\n" * 2
    )

    kill(host, milliseconds, order(Verb.REMOVE, "web.service"))
    removed = host.go(order(Verb.REMOVE, "web.service"))
    assert refused(removed) == {}
    assert host.residue() == []


def kill(host: Host, milliseconds: int, *orders: object) -> None:
    transaction = Transaction(
        actions=tuple(orders),  # type: ignore[arg-type]
        watch=(UnitName("web.service"),),
        patience=5.0,
        lineage=LINEAGE,
        staging=STAGING,
    )
    run = request(transaction, "0123456789abcdef")
    after = f"{milliseconds / 1000:.3f}"
    argv = ("timeout", "-s", "KILL", after, "sh", "-c", run.script)
    host.lab.run(host.name, *argv, check=False, input=run.data)


def test_what_has_begun_comes_to_its_end_when_nobody_listens_any_more(host: Host) -> None:
    host.run_units({"web.service": INSTALLED})
    transaction = Transaction(
        actions=(order(Verb.STOP, "web.service"), order(Verb.REMOVE, "web.service")),
        lineage=LINEAGE,
    )
    run = request(transaction, "0123456789abcdef")

    # Who hears that it begins hears nothing more.
    host.lab.run(host.name, "sh", "-c", 'sh -c "$1" | head -n 1', "sh", run.script, input=run.data)

    assert host.residue() == []


def test_a_full_disk_leaves_the_old_unit_as_it_is(host: Host) -> None:
    host.sh("mkdir /etc/sshfleet; mount -t tmpfs -o size=64k,mode=0755 none /etc/sshfleet")
    try:
        old = shown(host.run_units({"web.service": SLEEPER}), "web.service")
        host.sh("cat /dev/zero >/etc/sshfleet/filler 2>/dev/null || :")
        text = SLEEPER + "# more\n" * 1000

        reply = host.run_units({"web.service": text})

        said = refused(reply)["INSTALL web.service"]
        assert "could not be stored" in said
        assert "No space left on device" in said
        now = shown(reply, "web.service")
        assert (now.sha256, now.record, now.boot) == (old.sha256, old.record, True)
        assert (now.active, now.invocation) == ("active", old.invocation)
        host.sh("rm /etc/sshfleet/filler")
        assert refused(host.run_units({"web.service": text})) == {}
        host.go(order(Verb.REMOVE, "web.service"))
    finally:
        host.sh("umount -l /etc/sshfleet; rmdir /etc/sshfleet 2>/dev/null || :")


def test_a_read_only_disk_says_so(host: Host) -> None:
    host.run_units({"web.service": SLEEPER})
    host.sh("mount --bind /etc /etc; mount -o remount,bind,ro /etc")
    try:
        reply = host.go(
            install("web.service", SLEEPER, generation=2), install("x.service", SLEEPER)
        )
        removed = host.go(order(Verb.REMOVE, "web.service"))
    finally:
        host.sh("umount -l /etc")
    assert {"Read-only file system" in said for said in refused(reply).values()} == {True}
    assert "Read-only file system" in refused(removed)["REMOVE web.service"]
    assert host.unit("web.service").sha256


DRIFT = {
    "disabled": "systemctl disable web.service",
    "boot": "rm /etc/systemd/system/sshfleet.target.wants/web.service",
    "target": "systemctl disable sshfleet.target",
    "edited": "echo '# mine' >>/etc/sshfleet/units/web.service",
    "deleted": "rm /etc/sshfleet/units/web.service",
    "record": ": >/etc/sshfleet/records/web.service",
    "wiped": "rm -r /etc/sshfleet",
}


@pytest.mark.parametrize("drift", DRIFT)
@pytest.mark.row("C18")
def test_what_other_hands_changed_is_put_right(host: Host, drift: str) -> None:
    good = host.run_units({"web.service": SLEEPER})
    host.sh(f"{DRIFT[drift]}; systemctl daemon-reload")

    reply = host.run_units({"web.service": SLEEPER})

    assert refused(reply) == {}
    now, then = shown(reply, "web.service"), shown(good, "web.service")
    assert (now.load, now.sha256, now.record, now.boot) == (
        "loaded",
        then.sha256,
        then.record,
        True,
    )
    assert now.invocation == then.invocation  # it ran on all the while


def test_a_running_unit_whose_file_was_deleted_can_be_removed(host: Host) -> None:
    host.run_units({"web.service": INSTALLED})
    host.sh("rm /etc/sshfleet/units/web.service; systemctl daemon-reload")
    assert (host.unit("web.service").load, host.unit("web.service").active) == (
        "not-found",
        "active",
    )

    reply = host.go(order(Verb.REMOVE, "web.service"))

    assert refused(reply) == {}
    assert shown(reply, "web.service").active == "inactive"


def test_a_request_that_was_cut_does_nothing(host: Host) -> None:
    host.stage(SLEEPER)
    run = request(
        Transaction(actions=(install("web.service", SLEEPER),), lineage=LINEAGE, staging=STAGING),
        "0123456789abcdef",
    )
    done = host.lab.run(
        host.name, "sh", "-c", run.script, check=False, input=run.data.removesuffix(b"end\n")
    )
    assert (done.returncode, done.stdout) == (65, b"")
    assert host.residue() == []


def test_stray_files_in_our_folder_do_not_spoil_the_report(host: Host) -> None:
    host.run_units({"web.service": SLEEPER})
    stray = ("a b.service", "web.service~", "web@.service", ".x.service", "x.conf")
    host.sh(
        'cd /etc/sshfleet/units; touch "$@"; mkdir d.service; ln -s /etc/shadow s.service', *stray
    )
    try:
        assert list(host.go().report.units) == ["web.service"]
    finally:
        host.sh('cd /etc/sshfleet/units; rm -r "$@"', *stray, "d.service", "s.service")


def test_without_systemd_the_answer_says_why(host: Host) -> None:
    sockets = "/run/systemd/private /run/dbus/system_bus_socket"
    host.sh(f"for socket in {sockets}; do mount --bind /dev/null $socket; done")
    try:
        with pytest.raises(ReplyError, match="systemd does not answer: "):
            host.go()
    finally:
        host.sh(f"umount {sockets}")

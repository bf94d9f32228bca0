"""Leases on systemd 252 and 257: what has none stops and does not start, whatever was broken.

Both machines do each thing at the same time. Times are the machine's own uptime: the guard looks
every 5 s, so a lease that is over ends its unit within 6 s and the time it takes to stop.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.model.action import Action, Verb
from sshfleet.model.unit import UnitName
from sshfleet.systemd.sh.watchman import GUARD_VERSION
from sshfleet.systemd.transaction import Transaction, request
from tests.builders import LINEAGE
from tests.lab.host import SLEEPER, STAGING, Host, install, order, refused, shown
from tests.lab.leases import LONG, Leases, leased

LOAD = 8.0  # seconds that a machine under load may be late
HUNG = 10.0  # seconds until a look that hangs is given up, and all leased units with it
WEB = UnitName("web.service")
# It ends on its own word, late; what it leaves behind does not: twice TimeoutStopSec= may pass.
LATE = """[Service]
ExecStart=/bin/sh -c '(trap "" TERM; while :; do sleep 1; done) & trap "sleep 2; exit" TERM; wait'
TimeoutStopSec=3
"""
ALWAYS = "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=100ms\n"
STORM = "n=0; while [ $n -lt 40 ]; do systemctl daemon-reload; sleep 0.25; n=$((n + 1)); done"


@pytest.fixture
def both(lab3: Lab) -> Iterator[list[Leases]]:
    """A machine with systemd 252 and one with 257; what a test leaves of ours is its failure."""
    leases = [Leases(Host(lab3, name)) for name in ("core-01", "core-02")]
    yield leases
    for one in leases:
        one.host.clear()
        assert one.host.residue() == []


def stopped_at(host: Host, name: str) -> float:
    """Return the machine's uptime when a unit last stopped, as the log has it."""
    line = host.sh(
        'journalctl -q -o json --output-fields=_SOURCE_MONOTONIC_TIMESTAMP -n 1 UNIT="$1" '
        "MESSAGE_ID=9d1aaa27d60140bd96365438aad20286 | "
        'sed \'s/.*"__MONOTONIC_TIMESTAMP" *: *"\\([0-9]*\\)".*/\\1/\'',
        name,
    )
    slept = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return int(line) / 1e6 + slept


@pytest.mark.row("G5", "G6", "G11", "G15")
def test_a_lease_that_is_over_ends_its_units_and_keeps_them_down(both: list[Leases]) -> None:
    # How long each may take to stop; G1, G6, G12, G15.
    stops = {"web.service": 0.0, "late.service": 6.0, "always.service": 0.0}
    texts = {"web.service": SLEEPER, "late.service": LATE, "always.service": ALWAYS}
    ends, delayed = [], []
    for one in both:
        assert one.renew(LONG, *texts) == ""
        one.run_units({"web.service": SLEEPER, "always.service": ALWAYS})
        one.run_units({"late.service": LATE}, guard="-")
        one.host.sh("systemctl kill -s KILL always.service")
        one.wait_up("always.service", "Restart= under a lease")
        delayed.append(one.asked(6, *texts))
        asked, run, nonce = one.asked(4, *texts)
        assert one.send(run, nonce) == ""
        ends.append(asked.deadline)
        one.host.sh(f"({STORM}) >/dev/null 2>&1 &")
    late: dict[str, list[float]] = {name: [] for name in texts}
    for one, end in zip(both, ends, strict=True):
        for name in stops:
            one.wait_down(name, "its lease is over")
            late[name].append(stopped_at(one.host, name) - end)
    for name, takes in stops.items():
        # With a processor for itself a machine is in time; without, what hangs ends all.
        assert -1.0 <= min(late[name]) <= 6.0 + takes + LOAD, late
        assert max(late[name]) <= 6.0 + HUNG + takes + LOAD, late
    for one, (_, run, nonce) in zip(both, delayed, strict=True):
        # G5 and G13: what was held up on its way is worth nothing any more. G11: by hand, or by
        # another unit that wants it, nothing starts.
        assert one.send(run, nonce) in (
            "the lease came too late: it is over",
            "a newer lease is there already",
        )
        one.host.sh("systemctl start web.service")
        one.host.sh("systemd-run -q --wait -p Wants=always.service -p After=always.service true")
        assert not any(one.is_active(name) for name in texts)
        assert one.renew(LONG, "web.service") == ""
        assert one.renew(LONG, number=one.number - 1) == "a newer lease is there already"
        end = time.monotonic() + 30  # while reloads go on a look may hang, and end what just began
        while not one.is_active("web.service"):
            assert time.monotonic() < end
            one.host.sh("systemctl start web.service late.service || :")
        assert [one.is_active(name) for name in texts] == [True, False, False]


# G9, G10, G14: what is broken, and whether the guard itself is.
BREAKS = {
    "deleted": ("rm /run/sshfleet/guard.sh", True),
    "corrupted": ("echo 'if' >/run/sshfleet/guard.sh", True),
    "timer stopped": ("systemctl stop sshfleet-guard.timer", True),
    "all of it": ("rm -r /run/sshfleet/guard.sh /run/sshfleet/leased", True),
    "empty lease": (": >/run/sshfleet/lease", False),
    "garbled lease": ("head -c 500 /dev/urandom >/run/sshfleet/lease", False),
    "cut lease": ("truncate -s -1 /run/sshfleet/lease", False),
    "huge lease": ("yes web.service | head -c 2000000 >>/run/sshfleet/lease", False),
    "endless lease": ("sed -i '1s/ [0-9]* / 99999999999999999999 /' /run/sshfleet/lease", False),
    "no lease": ("rm /run/sshfleet/lease", False),
}


@pytest.mark.row("G9")
def test_whatever_is_broken_ends_leased_units_and_is_mended(both: list[Leases]) -> None:
    for one in both:
        assert one.renew(LONG, WEB) == ""
        one.run_units({WEB: SLEEPER})
    for what, (script, breaks_guard) in BREAKS.items():
        for one in both:
            one.host.sh(f"{script}; systemctl start sshfleet-guard.service || :")
            one.wait_down(WEB, what)
            if what != "timer stopped":  # which whoever starts the unit starts, too
                one.host.sh("systemctl start web.service || :")
                assert not one.is_active(WEB), what
                seen = one.host.go().report
                assert (seen.guard != GUARD_VERSION) == breaks_guard, what
                assert seen.units[WEB].guarded != breaks_guard, what
            assert one.renew(LONG, WEB) == ""
            one.run_units({WEB: SLEEPER})
            assert one.is_active(WEB), what


def test_the_guard_looks_by_itself(both: list[Leases]) -> None:
    for one in both:
        assert one.renew(LONG, WEB) == ""
        one.run_units({WEB: SLEEPER})
        one.host.sh("rm /run/sshfleet/guard.sh")
    started = time.monotonic()
    for one in both:
        one.wait_down(WEB, "without a guard")
    assert time.monotonic() - started < 6.0 + LOAD


@pytest.mark.row("G8")
def test_after_a_power_cut_nothing_is_left_and_all_can_come_again(
    lab3: Lab, both: list[Leases]
) -> None:
    for one in both:
        assert one.renew(LONG, WEB) == ""
        one.run_units({WEB: SLEEPER + "[Install]\nWantedBy=multi-user.target\n"})
        _, run, nonce = one.asked(LONG, WEB)
        lab3.kill(one.host.name)
        lab3.boot(one.host.name)
        assert one.send(run, nonce) == "it was rebooted meanwhile"
        assert (one.host.go().report.units, one.host.residue()) == ({}, [])
        assert one.renew(LONG, WEB) == ""
        one.run_units({WEB: SLEEPER})
        assert one.is_active(WEB)


def test_a_unit_moves_between_its_homes_and_runs_on(both: list[Leases]) -> None:
    dropin = "[Service]\nEnvironment=A=1\n"
    homes = {
        "lease": (leased(WEB, SLEEPER), True, True),
        "eager": (leased(WEB, SLEEPER, ""), True, False),
        "manual": (install(WEB, SLEEPER), False, False),
    }
    for one in both:
        one.host.stage(SLEEPER, dropin)
        assert one.renew(LONG, WEB) == ""
        first = install(WEB, SLEEPER, dropins={"a.conf": dropin})
        one.host.go(first, order(Verb.START, WEB), watch=(WEB,))
        for mode in ("lease", "manual", "eager", "lease", "eager", "manual"):
            action, runtime, guarded = homes[mode]
            action = replace(action, dropins=first.dropins)
            before = one.host.unit(WEB).invocation

            reply = one.host.go(action)

            now = shown(reply, WEB)
            assert refused(reply) == {}, mode
            assert (now.runtime, now.guarded, now.boot) == (runtime, guarded, not runtime), mode
            assert now.record is not None
            assert now.record.sha256 == now.content == first.content, mode
            assert (now.active, now.old_text, now.invocation) == ("active", False, before), mode
            away = "/etc" if runtime else "/run"
            left = (
                f"find {away}/sshfleet {away}/systemd/system -path '*web.service*' 2>/dev/null || :"
            )
            assert one.host.sh(left) == "", mode
            assert bool(reply.report.guard) == guarded, mode


def test_killed_runs_are_completed_by_the_next(both: list[Leases]) -> None:
    for number, one in enumerate(both):
        one.host.stage(SLEEPER)
        for milliseconds in range(60 + 100 * number, 700, 250):
            assert one.renew(LONG, WEB) == ""
            kill(one.host, milliseconds, leased(WEB, SLEEPER), order(Verb.START, WEB))
            seen = one.host.unit(WEB)
            assert seen.record is None or (seen.load, seen.guarded) == ("loaded", True)
            one.run_units({WEB: SLEEPER})

            kill(one.host, milliseconds, install(WEB, SLEEPER), order(Verb.REMOVE, "x.service"))
            seen = one.host.unit(WEB)
            assert seen.active == "active"
            moved = one.host.go(install(WEB, SLEEPER))
            assert refused(moved) == {}
            now = shown(moved, WEB)
            assert (now.runtime, now.active, moved.report.guard) == (False, "active", "")

            kill(one.host, milliseconds, order(Verb.REMOVE, WEB))
            assert refused(one.host.go(order(Verb.REMOVE, WEB))) == {}
            left = [path for path in one.host.residue() if "lease" not in path]
            assert left in ([], ["/run/sshfleet"]), milliseconds


def kill(host: Host, milliseconds: int, *orders: Action) -> None:
    run = request(
        Transaction(actions=orders, lineage=LINEAGE, staging=STAGING, patience=5.0), "0" * 16
    )
    argv = ("timeout", "-s", "KILL", f"{milliseconds / 1000:.3f}", "sh", "-c", run.script)
    host.lab.run(host.name, *argv, check=False, input=run.data)

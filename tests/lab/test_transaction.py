"""Units come, change and go on systemd 252 and 257, and leave nothing behind."""

from sshfleet.lab.waiting import until
from sshfleet.model.action import Verb
from sshfleet.model.event import TargetState
from sshfleet.model.health import Health, judge
from sshfleet.model.unit import UnitName
from tests.lab.host import SLEEPER, Host, install, order, refused, shown

LINKS = "find /etc/systemd/system /run/systemd/system -lname '*sshfleet*' -printf '%P\\n' | sort"


def test_a_unit_comes_runs_stops_and_goes(host: Host) -> None:
    started = host.run_units({"web.service": SLEEPER})
    web = shown(started, "web.service")
    assert refused(started) == {}
    assert (web.load, web.active, web.settled, web.boot) == ("loaded", "active", True, True)
    assert web.record is not None
    assert (web.record.sha256, web.record.target) == (web.sha256, "launched")

    stopped = host.go(order(Verb.STOP, "web.service"))
    assert (refused(stopped), shown(stopped, "web.service").active) == ({}, "inactive")

    removed = host.go(order(Verb.REMOVE, "web.service"))
    assert (refused(removed), shown(removed, "web.service").load) == ({}, "not-found")
    assert host.residue() == []


def test_removal_stops_what_runs(host: Host) -> None:
    host.run_units({"web.service": SLEEPER, "db.service": SLEEPER})

    removed = host.go(order(Verb.REMOVE, "web.service"))

    assert refused(removed) == {}
    assert shown(removed, "web.service").active == "inactive"
    assert shown(removed, "db.service").active == "active"


def test_what_is_in_order_is_not_touched(host: Host) -> None:
    text = SLEEPER + "[Install]\nWantedBy=multi-user.target\n"
    host.run_units({"web.service": text})
    look = "systemctl show -p UnitsLoadTimestampMonotonic; stat -c '%n %i %Z' /etc/sshfleet/*/*"
    before = host.sh(look)

    again = host.run_units({"web.service": text})

    assert refused(again) == {}
    assert host.sh(look) == before
    host.go(install("web.service", text, generation=2))
    assert host.sh(look) != before


def test_a_restart_makes_a_new_invocation(host: Host) -> None:
    first = shown(host.run_units({"web.service": SLEEPER}), "web.service")

    again = host.go(order(Verb.RESTART, "web.service"), watch=(UnitName("web.service"),))

    second = shown(again, "web.service")
    assert (second.active, second.settled) == ("active", True)
    assert first.invocation != second.invocation


def test_install_sections_are_followed_for_good_or_until_the_next_boot(host: Host) -> None:
    text = SLEEPER + "[Install]\nWantedBy=multi-user.target\nAlias=www.service\n"
    host.run_units({"web.service": text})
    assert shown(host.go(look=(UnitName("www.service"),)), "www.service").active == "active"
    assert (
        host.sh("cd /etc/systemd/system; ls multi-user.target.wants/web.service www.service")
        == "multi-user.target.wants/web.service\nwww.service\n"
    )

    host.go(order(Verb.STOP, "web.service"))
    loaded = shown(host.load_unit("web.service", text, 2), "web.service")
    assert (loaded.boot, loaded.file_state) == (False, "enabled-runtime")
    assert "multi-user.target.wants/web.service" in host.sh("cd /run/systemd/system; find")
    assert "web.service" not in host.sh("cd /etc/systemd/system; ls *.wants; [ ! -L www.service ]")


def test_a_new_text_takes_the_old_links_away(host: Host) -> None:
    host.run_units(
        {"web.service": SLEEPER + "[Install]\nWantedBy=basic.target\nAlias=www.service\n"}
    )
    changed = host.run_units({"web.service": SLEEPER + "# no more\n"})

    assert refused(changed) == {}
    assert host.sh(LINKS).split() == [
        "multi-user.target.wants/sshfleet.target",
        "sshfleet.target",
        "sshfleet.target.wants/web.service",
        "web.service",
    ]


def test_also_does_not_drag_a_neighbour_down(host: Host) -> None:
    also = SLEEPER + "[Install]\nWantedBy=multi-user.target\nAlso=db.service\n"
    db = SLEEPER + "[Install]\nWantedBy=multi-user.target\n"
    host.run_units({"web.service": also, "db.service": db})

    host.go(order(Verb.REMOVE, "web.service"))

    left = host.unit("db.service")
    assert (left.load, left.active, left.boot) == ("loaded", "active", True)
    assert "multi-user.target.wants/db.service" in host.sh(LINKS)


def test_instances_sockets_timers_and_odd_names_work(host: Host) -> None:
    longest = "n" * 247 + ".service"
    odd = "a\\x2db@x:y.service"
    socket = "[Socket]\nListenStream=127.0.0.1:7999\n[Install]\nWantedBy=sockets.target\n"
    timer = "[Timer]\nOnActiveSec=1h\n"
    host.load_unit("echo.service", SLEEPER)
    host.load_unit("tick.service", SLEEPER)
    running = {"web@1.service": SLEEPER, longest: SLEEPER, odd: SLEEPER}

    reply = host.run_units({**running, "echo.socket": socket, "tick.timer": timer})

    assert refused(reply) == {}
    for name in running:
        assert (shown(reply, name).sub, shown(reply, name).settled) == ("running", True)
    assert shown(reply, "echo.socket").sub == "listening"
    assert shown(reply, "tick.timer").sub == "waiting"
    assert shown(reply, "echo.service").active == "inactive"


ENDS = {
    "once.service": ("[Service]\nType=oneshot\nExecStart=/bin/true\n", ""),
    "gone.service": ("[Service]\nExecStart=/bin/true\n", "ended by itself"),
    "exec.service": (
        "[Service]\nExecStart=/nonexistent\n",
        "failed: exit-code, status 203/EXEC: the program cannot be executed",
    ),
    "late.service": (
        "[Service]\nExecStart=/bin/sh -c 'sleep 0.2; exit 7'\n",
        "failed: exit-code, status 7",
    ),
    "user.service": (
        "[Service]\nUser=nobody-here\nExecStart=/bin/true\n",
        "failed: exit-code, status 217/USER: its User= does not exist there",
    ),
    "cond.service": (
        "[Unit]\nConditionPathExists=/nope\n" + SLEEPER,
        "has not run: not started, or a condition in it does not hold",
    ),
    "skip.service": (
        SLEEPER + "ExecCondition=/bin/false\n",
        "does not run: exec-condition: its ExecCondition= does not hold",
    ),
    "none.service": (
        "[Service]\nType=oneshot\n",
        "systemd refuses its file: a setting in it is wrong",
    ),
}


def test_how_a_start_ended_is_told(host: Host) -> None:
    reply = host.run_units({name: text for name, (text, _) in ENDS.items()})

    words = {}
    for name, state in reply.report.units.items():
        verdict = judge(state, TargetState.LAUNCHED)
        words[str(name)] = verdict.words
        assert verdict.health is (Health.OK if name == "once.service" else Health.FAILED)
    assert words == {name: told for name, (_, told) in ENDS.items()}
    assert refused(reply) == {
        "START none.service": (
            "Failed to start none.service: Unit none.service has a bad unit file setting."
        )
    }


def test_a_crash_loop_is_told(host: Host) -> None:
    loop = (
        "[Unit]\nStartLimitIntervalSec=0\n"
        "[Service]\nExecStart=/bin/sh -c 'sleep 0.05; exit 1'\nRestart=always\nRestartSec=0.05\n"
    )
    host.stage(loop)
    host.go(install("web.service", loop), order(Verb.START, "web.service"))

    def is_told() -> bool:
        verdict = judge(host.unit("web.service"), TargetState.LAUNCHED)
        return verdict.words.startswith("flapping: restarted ") and verdict.health is Health.FAILED

    until(is_told, 60, "enough restarts to be seen")


def test_a_failed_unit_can_be_started_again(host: Host) -> None:
    text = "[Unit]\nStartLimitBurst=1\n[Service]\nExecStart=/bin/false\n"
    first = host.run_units({"web.service": text})
    assert shown(first, "web.service").active == "failed"

    again = host.go(order(Verb.START, "web.service"), watch=(UnitName("web.service"),))

    assert shown(again, "web.service").result == "exit-code"  # and not start-limit-hit
    assert shown(again, "web.service").invocation != shown(first, "web.service").invocation


def test_two_hundred_units_come_and_go_in_two_round_trips(host: Host) -> None:
    names = [f"web@{number}.service" for number in range(200)]

    reply = host.run_units(dict.fromkeys(names, SLEEPER))
    assert refused(reply) == {}
    assert {state.settled for state in reply.report.units.values()} == {True}

    removed = host.go(*(order(Verb.REMOVE, name) for name in names))
    assert refused(removed) == {}
    assert {state.load for state in removed.report.units.values()} == {"not-found"}

"""reconcile again and again: by hand, as a service, from cron, and from a timer of systemd."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from sshfleet.systemd.timer import Job, service_text, timer_text
from tests.lab.cron import from_an_empty_crontab
from tests.lab.user import LONGEST, User, by_id, systemctl, visiting

pytestmark = pytest.mark.slow

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
WANTED = f"{SLEEP}[Install]\nWantedBy=multi-user.target\n"
UNITS = ("a.service", "b.service", "c.service", "everywhere.service")
# Whatever of ours lies on a machine, and when it was last written to.
HELD = r"""
find /etc/sshfleet /run/sshfleet /etc/systemd/system /run/systemd/system -printf '%p %T@ %s %l\n' |
    sort
"""
# Called at each run: which words and which agent it was given.
WITNESS = """\
#!/bin/sh
umask 022
{ printf '%s\\0' "$SSH_AUTH_SOCK" "$@"; } >/run/witness/words.new
mv /run/witness/words.new /run/witness/words
echo >>/run/witness/runs
[ ! -e /run/witness/speak ] || { echo a change; echo a trouble >&2; }
"""
HOSTILE = (
    "--inventory",
    "/home/a b/100% $HOME ${x} \\n'\"/é\n.yaml",
    "%n",
    "$$",
    "",
    ";",
    "reconcile",
)


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    with visiting(lab3, tmp_path) as someone:
        someone.writes("a.service", SLEEP)
        someone.writes("b.service", WANTED)
        someone.writes("c.service", SLEEP)
        someone.writes("everywhere.service", f"{WANTED}[X-Fleet]\nGlobal=true\n")
        assert someone.runs("start", *UNITS).code == 0
        yield someone


def home_of(lab: Lab, unit: str) -> str:
    """Return the machine where a unit runs."""
    (found,) = [
        one.name for one in by_id(lab) if systemctl(lab, one.name, "is-active", unit) == "active"
    ]
    return found


def cursor(lab: Lab, machine: str) -> str:
    """Return where the log of a machine ends now."""
    told = lab.run(machine, "journalctl", "-q", "-n", "1", "-o", "json").stdout
    return str(json.loads(told)["__CURSOR"])


def said_by_systemd(lab: Lab, machine: str, since: str) -> list[str]:
    """Return what a machine's systemd has logged of reloads and of our units."""
    words = ("journalctl", "-q", "--after-cursor", since, "-o", "json", "_PID=1")
    entries = map(json.loads, lab.run(machine, *words).stdout.splitlines())
    return [
        str(entry["MESSAGE"])
        for entry in entries
        if entry.get("UNIT") in UNITS or "eload" in str(entry["MESSAGE"])
    ]


def test_a_second_run_changes_nothing_on_any_machine_and_says_nothing(
    lab3: Lab, user: User
) -> None:
    names = [one.name for one in lab3.machines]
    home = home_of(lab3, "a.service")
    before = cursor(lab3, home)
    lab3.run(home, "systemctl", "stop", "a.service")
    healed = user.runs("reconcile")
    assert (healed.code, healed.stderr) == (0, "")
    assert healed.stdout.startswith("+ a.service start on ")
    assert said_by_systemd(lab3, home, before) != []  # so this look would find it

    cursors = {name: cursor(lab3, name) for name in names}
    held = {name: lab3.run(name, "sh", "-c", HELD, check=False).stdout for name in names}
    again = user.runs("reconcile")
    assert (again.code, again.stdout, again.stderr) == (0, "", "")
    assert {name: said_by_systemd(lab3, name, cursors[name]) for name in names} == {
        name: [] for name in names
    }
    assert {name: lab3.run(name, "sh", "-c", HELD, check=False).stdout for name in names} == held


@contextmanager
def ears(folder: Path) -> Iterator[tuple[str, socket.socket]]:
    """Listen as the systemd that started a service does."""
    path = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(LONGEST)
        yield path, listener


def test_a_service_heals_what_was_stopped_and_ends_on_sigterm(lab3: Lab, user: User) -> None:
    home = home_of(lab3, "a.service")
    with ears(user.folder) as (path, listener):
        words = ("reconcile", "--every", "1", "--metrics", "a.prom")
        with user.begins(*words, NOTIFY_SOCKET=path, WATCHDOG_USEC="60000000") as process:
            assert b"READY=1" in listener.recv(4096)
            assert listener.recv(4096) == b"WATCHDOG=1"
            lab3.run(home, "systemctl", "stop", "a.service")
            until(
                lambda: systemctl(lab3, home, "is-active", "a.service") == "active",
                LONGEST,
                "the service to start it",
            )
            assert user.runs("--lock-wait", "60", "stop", "b").code == 0  # a verb in between
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=LONGEST)
    assert process.returncode == 143
    (line,) = stdout.splitlines()
    assert line.startswith(f"+ a.service start on {home}: ")
    assert "error:" not in stderr
    assert 'sshfleet_units{fleet="' in (user.folder / "a.prom").read_text()


def test_a_line_in_an_empty_crontab_heals_and_is_silent_when_all_is_well(
    lab3: Lab, user: User
) -> None:
    cron = from_an_empty_crontab(user)
    home = home_of(lab3, "c.service")
    lab3.run(home, "systemctl", "stop", "c.service")
    code, stdout, stderr = cron.minute()
    assert (code, stdout.count("\n"), stderr) == (0, 1, "")
    assert stdout.startswith(f"+ c.service start on {home}: ")
    assert systemctl(lab3, home, "is-active", "c.service") == "active"
    assert cron.minute() == (0, "", "")


@pytest.fixture(params=["core-01", "core-02"])
def controller(request: pytest.FixtureRequest, lab3: Lab) -> Iterator[str]:
    """A machine to install a timer on, of systemd 252 and then 257."""
    machine: str = request.param
    lab3.run(machine, "mkdir", "-p", "/run/witness")
    yield machine
    script = """
    systemctl stop sshfleet-demo.timer
    systemctl kill sshfleet-demo.service
    rm -rf /run/witness '/opt/my fleet' /etc/systemd/system/sshfleet-demo.*
    systemctl daemon-reload
    """
    lab3.run(machine, "sh", "-c", script, check=False)


def test_systemd_runs_the_very_words_again_and_again_and_logs_nothing(
    lab3: Lab, controller: str
) -> None:
    program = "/opt/my fleet/100%n/sshfleet"
    job = Job(name="demo", words=(program, *HOSTILE), agent="/run/a b%/agent", every=1, user="root")

    def put(path: str, text: str, mode: str = "644") -> None:
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
        lab3.run(controller, "sh", "-euc", script, "sh", path, mode, input=text.encode())

    put(program, WITNESS, "755")
    put("/etc/systemd/system/sshfleet-demo.service", service_text(job))
    put("/etc/systemd/system/sshfleet-demo.timer", timer_text(job))
    since = cursor(lab3, controller)
    lab3.run(controller, "systemctl", "daemon-reload")
    lab3.run(controller, "systemctl", "start", "sshfleet-demo.timer")

    def read(name: str) -> bytes:
        return lab3.run(controller, "cat", f"/run/witness/{name}", check=False).stdout

    until(lambda: read("runs").count(b"\n") >= 3, LONGEST, "three runs")
    assert read("words").decode().split("\0")[:-1] == ["/run/a b%/agent", *HOSTILE]

    def logged() -> bytes:
        words = ("journalctl", "-q", "--after-cursor", since, "-o", "cat", "-u")
        return lab3.run(controller, *words, "sshfleet-demo.service").stdout

    assert logged() == b""
    lab3.run(controller, "touch", "/run/witness/speak")
    until(lambda: b"a change\na trouble\n" in logged(), LONGEST, "its words in the log")

"""Every file in examples/ on real machines: it verifies, comes to its state, and leaves nothing."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine
from sshfleet.lab.waiting import until
from tests.lab.labs import BootLab
from tests.lab.user import PROJECT, User, is_active, shown, visiting

pytestmark = pytest.mark.slow

EXAMPLES = PROJECT / "examples"
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file() and path.name != "README.md")
FOLDERS = {path.name: str(path.parent.relative_to(EXAMPLES)) for path in FILES}
SOON = 60  # seconds, on a busy computer

# What is to be started of each file; of a file that is not here, the unit itself.
INSTANCES = {
    "web@.service": ["web@1.service", "web@2.service", "web@3.service"],
    "worker@.service": ["worker@1.service", "worker@2.service", "worker@3.service"],
    "edge@.service": ["edge@us-east-1.service", "edge@us-west-1.service"],
}
LOADED = ["backup.service", "inbox.service", "report.service", "report-proxy.service"]
HELLOS = ["hello.service", "hello2.service", "hello3.service", "hello4.service"]
GLOBAL = ["heartbeat.service", "log-shipper.service"]
RUNNING = [
    *("heartbeat.service", "web@.service", "page.service", "site.service", "site-announce.service"),
    *("cruncher.service", "log-shipper.service", "worker@.service", "edge@.service", "db.service"),
    *("latency.service", "batch.service"),
]
OTHERS = {
    "backup.timer": ("active", "waiting"),
    "report-proxy.socket": ("active", "listening"),
    "inbox.path": ("active", "waiting"),
    "srv-scratch.mount": ("active", "mounted"),
}


@pytest.fixture(scope="module")
def lab(boot_lab: BootLab) -> Iterator[Lab]:
    lab = boot_lab(count=3, suites=("bookworm", "trixie"), extras=("docker", "podman"))
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def user(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """Load and start all but the hellos; in the end all is destroyed and nothing may be left."""
    folder = tmp_path_factory.mktemp("examples")
    with visiting(lab, folder) as someone:
        shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
        someone.gets("load", *paths(LOADED))
        someone.gets("start", *paths([*RUNNING, *OTHERS]))
        yield someone


def paths(files: list[str]) -> list[str]:
    """Name the units of files by their paths, as one would type them."""
    return [f"{FOLDERS[file]}/{unit}" for file in files for unit in INSTANCES.get(file, [file])]


def homes(lab: Lab, user: User) -> dict[str, LabMachine]:
    """Return the machine of each unit."""
    rows = user.rows("list-unit-files", "--cached", "--quiet", "--fields", "unit,name")
    machines = {machine.name: machine for machine in lab.machines}
    return {row["unit"]: machines[row["name"]] for row in rows if row["name"] in machines}


def page(machine: LabMachine, port: int, path: str = "/") -> str:
    """Fetch a page from a web server on a machine, which may still be about to listen."""
    found: list[str] = []

    def answers() -> bool:
        url = f"http://{machine.address}:{port}{path}"
        with suppress(URLError), urlopen(url, timeout=SOON) as answer:
            found.append(answer.read().decode())
        return bool(found)

    until(answers, SOON, f"an answer at port {port} of {machine.name}")
    return found[0]


def file(lab: Lab, machine: LabMachine, path: str) -> str:
    """Return what is in a file on a machine; nothing when it is not there."""
    return lab.run(machine.name, "cat", path, check=False).stdout.decode()


def test_every_file_is_tried() -> None:
    assert sorted([*LOADED, *HELLOS, *RUNNING, *OTHERS]) == sorted(FOLDERS)


def test_every_file_verifies_without_a_warning_of_systemd(user: User) -> None:
    verified = user.runs("verify", "--on", "core-02", *(str(path) for path in FILES))

    assert (verified.code, verified.stdout.count(": ok\n")) == (0, len(FILES)), verified
    # All that is left to say is who is never together.
    assert all("never beside" in line for line in verified.stderr.splitlines()), verified


def test_every_unit_is_in_its_state(lab: Lab, user: User) -> None:
    expected = [
        *((name, "inactive", "dead") for name in LOADED),
        *((name, *state) for name, state in OTHERS.items()),
        *(
            (unit, "active", "running")
            for name in RUNNING
            for unit in INSTANCES.get(name, [name])
            for _ in (lab.machines if name in GLOBAL else [""])
        ),
    ]
    rows = user.rows("list-units")
    assert [(row["unit"], row["active"], row["sub"]) for row in rows] == sorted(expected)


def test_units_are_where_their_rules_say(lab: Lab, user: User) -> None:
    where = homes(lab, user)
    for name in ("web@.service", "worker@.service"):
        assert len({where[unit].name for unit in INSTANCES[name]}) == len(lab.machines)
    for pair in (
        ("site-announce.service", "site.service"),
        ("backup.timer", "backup.service"),
        ("report-proxy.socket", "report-proxy.service"),
        ("report-proxy.service", "report.service"),
        ("inbox.path", "inbox.service"),
        ("cruncher.service", "srv-scratch.mount"),
    ):
        assert where[pair[0]] == where[pair[1]], pair
    assert where["edge@us-west-1.service"].metadata["region"] == "us-west-1"
    assert where["db.service"].metadata["disk"] == "ssd"
    assert where["batch.service"] != where["latency.service"]


def test_the_site_answers_and_its_sidekick_announces_it(lab: Lab, user: User) -> None:
    machine = homes(lab, user)["site.service"]

    def announced() -> str:
        return file(lab, machine, "/run/site-announce/address").strip()

    until(lambda: announced() == f"{machine.name}:8000", SOON, "the address")
    assert page(machine, 8000) == f"hello from {machine.name}\n"
    user.gets("stop", "site", "site-announce")
    assert set(is_active(lab, "site-announce.service").values()) == {"inactive"}
    assert announced() == ""

    user.gets("load", "site-announce")
    user.gets("start", "site")

    until(lambda: announced() == f"{machine.name}:8000", SOON, "the address, by WantedBy=")
    user.gets("start", "site-announce")


def test_servers_of_a_template_answer_on_their_machines(lab: Lab, user: User) -> None:
    where = homes(lab, user)
    for number in "123":
        machine = where[f"web@{number}.service"]
        assert page(machine, 8080) == f"web server {number} on {machine.name}\n"
    for region in ("us-east-1", "us-west-1"):
        assert page(where[f"edge@{region}.service"], 8085) == f"edge of {region}\n"
    assert page(where["latency.service"], 8086) == "fast\n"


def test_the_first_connection_starts_the_report_server(lab: Lab, user: User) -> None:
    machine = homes(lab, user)["report-proxy.socket"]
    assert is_active(lab, "report.service")[machine.name] == "inactive"

    assert "load average" in page(machine, 8090)

    assert user.gets("reconcile") == ""
    assert is_active(lab, "report.service")[machine.name] == "active"
    assert is_active(lab, "report-proxy.service")[machine.name] == "active"
    user.gets("stop", "report-proxy.service")
    until(
        lambda: is_active(lab, "report.service")[machine.name] == "inactive",
        SOON,
        "the report server to stop with its proxy",
    )


def test_the_timer_waits_and_what_it_starts_leaves_an_archive(lab: Lab, user: User) -> None:
    machine = homes(lab, user)["backup.timer"].name
    assert shown(lab, machine, "backup.timer", "NextElapseUSecRealtime") != ""
    assert shown(lab, machine, "backup.timer", "Triggers") == "backup.service"

    lab.run(machine, "systemctl", "start", "backup.service")

    archive = lab.run(machine, "tar", "-tzf", "/var/lib/backup/etc.tar.gz").stdout
    assert b"etc/machine-id\n" in archive
    assert shown(lab, machine, "backup.service", "Result") == "success"


def test_a_file_in_the_inbox_is_dealt_with(lab: Lab, user: User) -> None:
    machine = homes(lab, user)["inbox.path"]

    lab.run(machine.name, "sh", "-c", "echo hello >/var/spool/inbox/letter")

    until(lambda: file(lab, machine, "/var/lib/inbox/letter") == "hello\n", SOON, "the letter")
    until(
        lambda: shown(lab, machine.name, "inbox.path", "SubState") == "waiting",
        SOON,
        "inbox.path to wait for the next",
    )


def test_the_mount_is_mounted_and_written_to(lab: Lab, user: User) -> None:
    machine = homes(lab, user)["srv-scratch.mount"]

    kind = lab.run(machine.name, "stat", "--file-system", "-c", "%T", "/srv/scratch").stdout

    assert kind == b"tmpfs\n"
    until(lambda: file(lab, machine, "/srv/scratch/results") != "", SOON, "a result")


def test_every_machine_ships_its_log(lab: Lab, user: User) -> None:
    for machine in lab.machines:
        lab.run(machine.name, "logger", f"said on {machine.name}")
    for machine in lab.machines:
        until(
            lambda machine=machine: (  # type: ignore[misc]
                f"said on {machine.name}" in file(lab, machine, "/var/log/shipped/journal.log")
            ),
            SOON,
            f"the log of {machine.name}",
        )


def test_podman_serves_a_page_and_leaves_no_container(lab: Lab, user: User) -> None:
    machine = homes(lab, user)["page.service"]
    assert page(machine, 8083, "/hostname").strip() == machine.name

    user.gets("stop", "page")

    assert shown(lab, machine.name, "page.service", "Result") == "success"
    assert lab.run(machine.name, "podman", "ps", "--all", "--quiet").stdout == b""


def test_four_that_greet_keep_apart_on_three_machines(lab: Lab, user: User) -> None:
    user.gets("start", *HELLOS[:3])
    where = homes(lab, user)
    assert len({where[name].name for name in HELLOS[:3]}) == len(lab.machines)
    for number, name in enumerate(HELLOS[:3], 1):
        end_container(lab, where[name], f"busybox{number}")

    user.gets("destroy", "hello3")
    user.gets("start", "hello4")

    assert homes(lab, user)["hello4.service"] == where["hello3.service"]
    end_container(lab, where["hello3.service"], "busybox4")
    user.gets("destroy", "hello*")
    for machine in lab.machines:
        assert lab.run(machine.name, "docker", "ps", "--all", "--quiet").stdout == b""


def end_container(lab: Lab, machine: LabMachine, name: str) -> None:
    """Spare us its tight loop, and the ten seconds for which `docker stop` asks in vain.

    The unit is active as soon as `docker run` runs, and the container a moment later.
    """

    def killed() -> bool:
        return lab.run(machine.name, "docker", "kill", name, check=False).returncode == 0

    until(killed, SOON, f"{name} to be there, to be killed")

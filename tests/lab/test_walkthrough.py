"""The walkthrough that the README promises, typed by hand on real machines."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.labs import BootLab
from tests.lab.user import (
    PROJECT,
    User,
    by_id,
    is_active,
    legend_of,
    shown,
    systemctl,
    traces,
    visiting,
)

pytestmark = pytest.mark.slow

SLEEP = """\
[Unit]
Description=sleeps

[Service]
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def docker_lab(boot_lab: BootLab) -> Iterator[Lab]:
    lab = boot_lab(count=3, suites=("bookworm", "trixie"), extras=("docker",))
    yield lab
    lab.down()


@pytest.fixture
def user(docker_lab: Lab, tmp_path: Path) -> Iterator[User]:
    for path in (PROJECT / "examples").glob("hello*.service"):
        shutil.copy(path, tmp_path)
    with visiting(docker_lab, tmp_path) as someone:
        yield someone


def on(lab: Lab, place: int) -> dict[str, str]:
    """Return what `is_active` says of a unit that runs on one machine only."""
    home = by_id(lab)[place].name
    return {each.name: "active" if each.name == home else "inactive" for each in lab.machines}


def test_four_that_keep_apart_on_three_machines(docker_lab: Lab, user: User) -> None:
    machines = user.rows("list-machines")
    assert [row["machine"] for row in machines] == [
        f"{each.machine_id[:8]}..." for each in by_id(docker_lab)
    ]
    assert [row["ip"] for row in machines] == [each.address for each in by_id(docker_lab)]
    assert all("region=us-" in row["metadata"] for row in machines)

    first, second, third = (legend_of(each) for each in by_id(docker_lab))
    assert user.gets("start", "hello.service") == (
        f"Unit hello.service inactive\nUnit hello.service launched on {first}\n"
    )
    assert user.rows("list-units") == [
        {"unit": "hello.service", "machine": first, "active": "active", "sub": "running"}
    ]
    assert is_active(docker_lab, "hello.service") == on(docker_lab, 0)
    line = systemctl(
        docker_lab, by_id(docker_lab)[0].name, "list-units", "--plain", "hello.service"
    )
    assert "loaded active running hello world" in line

    assert user.gets("start", "hello2.service", "hello3.service") == (
        "Unit hello2.service inactive\nUnit hello3.service inactive\n"
        f"Unit hello2.service launched on {second}\nUnit hello3.service launched on {third}\n"
    )
    assert is_active(docker_lab, "hello2.service") == on(docker_lab, 1)

    refused = user.runs("start", "hello4.service")
    assert (refused.code, refused.stdout) == (1, "Unit hello4.service inactive\n")
    assert refused.stderr.splitlines()[0] == (
        "error: hello4.service cannot run on any of 3 machines"
    )
    for machine, unit in zip(by_id(docker_lab), ("hello", "hello2", "hello3"), strict=True):
        assert f"{machine.name}  conflicts with {unit}.service there" in refused.stderr
    assert refused.seconds < 10
    destroyed = "".join(f"Destroyed hello{number}.service\n" for number in ("", 2, 3, 4))
    assert user.gets("destroy", "hello*.service") == destroyed


def test_each_stage_alone_with_docker(docker_lab: Lab, user: User) -> None:
    home = by_id(docker_lab)[0].name

    def containers() -> bytes:
        return docker_lab.run(home, "docker", "ps", "--all", "--quiet").stdout

    def greets() -> bool:
        logs = docker_lab.run(home, "docker", "logs", "--tail", "1", "busybox1", check=False)
        return logs.stdout == b"hello world\n"

    live_through_submit_and_load(docker_lab, user, "hello.service")
    user.gets("start", "hello.service")
    assert is_active(docker_lab, "hello.service") == on(docker_lab, 0)
    until(greets, 30, "its greeting")
    live_through_stop_and_unload(docker_lab, user, "hello.service")
    assert containers() == b""


@pytest.mark.parametrize("login", ["core", "root"])
def test_each_stage_alone(boot_lab: BootLab, tmp_path: Path, login: str) -> None:
    lab = boot_lab(count=2, suites=("bookworm", "trixie"), user=login)
    with visiting(lab, tmp_path) as user:
        user.writes("sleep.service", SLEEP)
        user.writes("other.service", SLEEP)
        live_through_submit_and_load(lab, user, "sleep.service")
        second = legend_of(by_id(lab)[1])
        assert f"other.service launched on {second}\n" in user.gets("start", "sleep", "other")
        assert is_active(lab, "sleep.service") == on(lab, 0)
        assert is_active(lab, "other.service") == on(lab, 1)
        live_through_stop_and_unload(lab, user, "sleep.service")
        assert user.gets("destroy", "other") == "Destroyed other.service\n"
    lab.down()


def live_through_submit_and_load(lab: Lab, user: User, unit: str) -> None:
    """Stage by stage until the unit is loaded on the first machine."""
    home, where = by_id(lab)[0].name, legend_of(by_id(lab)[0])
    file = f"/etc/sshfleet/units/{unit}"

    assert user.gets("submit", unit) == f"Unit {unit} inactive\n"
    assert user.gets("cat", unit) == (user.folder / unit).read_text()
    assert [traces(lab, each.name) for each in lab.machines] == [[]] * len(lab.machines)
    assert user.rows("list-unit-files", "--fields", "unit,dstate,state,target") == [
        {"unit": unit, "dstate": "inactive", "state": "inactive", "target": "-"}
    ]

    assert user.gets("load", unit) == f"Unit {unit} loaded on {where}\n"
    assert lab.run(home, "cat", file).stdout == (user.folder / unit).read_bytes()
    assert shown(lab, home, unit, "LoadState") == "loaded"
    assert shown(lab, home, unit, "ActiveState") == "inactive"
    assert [bool(traces(lab, each.name)) for each in by_id(lab)] == [
        True,
        *[False] * (len(lab.machines) - 1),
    ]
    assert user.rows("list-units") == [
        {"unit": unit, "machine": where, "active": "inactive", "sub": "dead"}
    ]


def live_through_stop_and_unload(lab: Lab, user: User, unit: str) -> None:
    """Stage by stage from a launched unit until it is forgotten."""
    home, where = by_id(lab)[0].name, legend_of(by_id(lab)[0])
    assert user.rows("list-unit-files", "--fields", "unit,dstate,state,target")[-1] == (
        {"unit": unit, "dstate": "launched", "state": "launched", "target": where}
    )

    assert user.gets("stop", unit) == f"Unit {unit} loaded on {where}\n"
    assert shown(lab, home, unit, "ActiveState") in ("inactive", "failed")
    assert shown(lab, home, unit, "LoadState") == "loaded"

    assert user.gets("unload", unit) == f"Unit {unit} inactive\n"
    assert traces(lab, home) == []
    assert shown(lab, home, unit, "LoadState") == "not-found"
    assert user.gets("cat", unit) == (user.folder / unit).read_text()

    assert user.gets("destroy", unit) == f"Destroyed {unit}\n"
    assert unit not in user.gets("list-unit-files", "--no-legend")
    assert user.runs("cat", unit).code == 1

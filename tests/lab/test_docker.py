from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.lab.machine import DISKS
from sshfleet.lab.waiting import until
from tests.lab.labs import BootLab

pytestmark = pytest.mark.slow

UNIT = """\
[Unit]
Description=MyApp
After=docker.service
Requires=docker.service

[Service]
TimeoutStartSec=0
ExecStartPre=-/usr/bin/docker kill busybox1
ExecStartPre=-/usr/bin/docker rm busybox1
ExecStartPre=-/usr/bin/docker pull busybox
ExecStart=/usr/bin/docker run --name busybox1 busybox /bin/sh -c \
"while true; do echo hello world; done"
ExecStop=/usr/bin/docker stop busybox1
"""
MOST_ON_DISK = 64 * 2**20  # bytes: journal (16 MiB), container log (1 MiB), image and its copies


@pytest.fixture(scope="module")
def docker_lab(boot_lab: BootLab) -> Lab:
    return boot_lab(count=2, suites=("bookworm", "trixie"), extras=("docker",))


@pytest.mark.parametrize("name", ["core-01", "core-02"])
def test_the_image_is_there_as_soon_as_the_lab_is_up(docker_lab: Lab, name: str) -> None:
    done = docker_lab.run(name, "docker", "run", "--rm", "busybox", "echo", "hi")

    assert done.stdout == b"hi\n"


@pytest.mark.parametrize("name", ["core-01", "core-02"])
def test_a_unit_runs_its_container_and_its_output_stays_small(docker_lab: Lab, name: str) -> None:
    docker_lab.run(name, "tee", "/etc/systemd/system/hello.service", input=UNIT.encode())
    docker_lab.run(name, "systemctl", "start", "hello.service")

    def greets() -> bool:
        lines = docker_lab.run(name, "journalctl", "--unit", "hello.service", "--lines", "1")
        return b"hello world" in lines.stdout

    until(greets, 20, "hello world in the journal")
    assert docker_lab.run(name, "docker", "ps", "--quiet").stdout.count(b"\n") == 1
    assert docker_lab.run(name, "systemctl", "is-active", "hello").stdout == b"active\n"
    docker_lab.run(name, "systemctl", "stop", "hello.service")
    assert docker_lab.run(name, "docker", "ps", "--quiet").stdout == b""
    assert size_of(DISKS / docker_lab.name / name) < MOST_ON_DISK


def test_docker_survives_a_power_cut(docker_lab: Lab) -> None:
    docker_lab.kill("core-01")
    docker_lab.boot("core-01")

    assert docker_lab.run("core-01", "docker", "run", "busybox", "echo", "hi").stdout == b"hi\n"


def size_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())

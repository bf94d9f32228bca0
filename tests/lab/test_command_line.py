import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sshfleet.errors import SshfleetError, UsageError
from sshfleet.lab import inventory, mirror, needs, remove
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine, LabSpec, metadata_of
from tests.lab.labs import lab_name, tell

PROJECT = Path(__file__).parents[2]


def sshfleet(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sshfleet", "lab", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_up_prints_what_a_shell_needs_and_down_removes_it(tmp_path: Path) -> None:
    name = lab_name("cli")
    try:
        up = sshfleet("up", "2", "--name", name, folder=tmp_path)
        assert up.returncode == 0, up.stderr
        sourced = 'eval "$1"; ssh-add -l; head -n 1 "$SSHFLEET_INVENTORY"'
        shell = subprocess.run(
            ["sh", "-c", sourced, "sh", up.stdout], capture_output=True, text=True, check=True
        )
        assert re.search(rf"lab-{name} \(ED25519\)", shell.stdout)
        assert shell.stdout.endswith(inventory.marker(name))
        assert f"sshfleet lab down --name {name}" in up.stderr

        assert sshfleet("kill", "core-02", "--name", name, folder=tmp_path).returncode == 0
        rows = sshfleet("status", "--name", name, folder=tmp_path).stdout.splitlines()[1:]
        assert [row.split()[::3] for row in rows] == [["core-01", "running"], ["core-02", "off"]]
    finally:
        down = sshfleet("down", "--name", name, folder=tmp_path)

    assert (down.returncode, down.stdout, down.stderr) == (0, "", f"lab {name} is gone\n")
    assert list(tmp_path.iterdir()) == []


def test_under_sudo_agent_and_inventory_belong_to_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65534")
    spec = LabSpec(name=lab_name("sudo"), count=1, inventory=tmp_path / "i.yaml")
    try:
        lab = Lab.up(spec, tell)
        as_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        agent = {**os.environ, "SSH_AUTH_SOCK": str(lab.agent_socket)}
        shown = subprocess.run([*as_user, "ssh-add", "-l"], env=agent, capture_output=True)

        assert (shown.returncode, shown.stdout.count(b"ED25519")) == (0, 1)
        assert (tmp_path / "i.yaml").stat().st_uid == 65534
        assert (lab.run_folder / "state.json").stat().st_uid == 0
    finally:
        remove.down(spec.name)


def test_keys_of_the_callers_agent_open_the_machines_too(
    monkeypatch: pytest.MonkeyPatch, lab3: Lab, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(lab3.agent_socket))
    spec = LabSpec(name=lab_name("keys"), count=1, inventory=tmp_path / "i.yaml")
    try:
        lab = Lab.up(spec, tell)
        for home in ("/root", "/home/core"):
            keys = lab.run("core-01", "cat", f"{home}/.ssh/authorized_keys").stdout.decode()

            assert [line.split()[2] for line in keys.splitlines()] == [
                f"lab-{lab.name}",
                f"lab-{lab3.name}",
            ]
    finally:
        remove.down(spec.name)


def test_an_inventory_of_somebody_else_is_neither_overwritten_nor_removed(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("machines: {}\n")

    up = sshfleet("up", "1", "--name", lab_name("cli"), folder=tmp_path)

    assert up.returncode == 2
    assert "will not be overwritten" in up.stderr
    assert "hint: choose another file with --inventory FILE" in up.stderr
    inventory.remove(path, lab_name("cli"))
    assert path.read_text() == "machines: {}\n"
    assert lab_name("cli") not in remove.every_name()


def test_the_inventory_is_yaml_with_everything_the_other_verbs_need(tmp_path: Path) -> None:
    import yaml

    machine = LabMachine(
        name="core-01",
        number=1,
        address="198.18.7.11",
        suite="trixie",
        machine_id="0" * 32,
        host_key="ssh-ed25519 AAAA",
        metadata=metadata_of(1, "trixie"),
    )

    inventory.write(tmp_path / "i.yaml", LabSpec(name="demo", user="root"), [machine])

    assert yaml.safe_load((tmp_path / "i.yaml").read_text()) == {
        "fleet": {"name": "demo-000000"},
        "defaults": {"user": "root"},
        "machines": {
            "core-01": {
                "address": "198.18.7.11",
                "metadata": {"region": "us-east-1", "disk": "ssd", "suite": "trixie"},
                "host_key": "ssh-ed25519 AAAA",
            }
        },
    }


def test_every_pair_of_region_and_disk_occurs_on_four_machines() -> None:
    pairs = [metadata_of(number, "bookworm") for number in range(1, 5)]

    assert len({(pair["region"], pair["disk"]) for pair in pairs}) == 4


@pytest.mark.parametrize(
    "asked",
    [
        {"name": ""},
        {"name": "../etc"},
        {"name": "Lab"},
        {"name": "a" * 21},
        {"name": "a\n"},
        {"count": 0},
        {"count": 201},
        {"suites": ()},
        {"suites": ("woody",)},
        {"user": "admin"},
    ],
)
def test_an_impossible_lab_is_a_usage_error(asked: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        LabSpec(**asked)  # type: ignore[arg-type]


def test_without_root_one_error_says_why_and_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SshfleetError, match="needs root") as caught:
        needs.check()

    assert caught.value.hint.startswith("sudo ")


def test_a_missing_command_is_one_error_with_the_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SshfleetError, match="not installed: debootstrap, gpgv") as caught:
        needs.check()

    assert caught.value.hint.startswith("apt-get install debootstrap gpgv iproute2")


ONE_LINE = "deb [arch=amd64 signed-by=/a b] http://mirror.test/debian bookworm main contrib\n"
DEB822 = """\
# Debian
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: trixie trixie-updates
Components: main
"""


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("sources.list", ONE_LINE, "http://mirror.test/debian"),
        ("sources.list.d/debian.sources", DEB822, "http://mirror.test/debian"),
        ("sources.list.d/debian.sources", DEB822 + "Enabled: no\n", ""),
        ("sources.list", "# " + ONE_LINE, ""),
        ("sources.list", ONE_LINE.replace("main", "stable"), ""),
        ("sources.list", ONE_LINE.replace("bookworm", "noble"), ""),
        ("sources.list", ONE_LINE.replace("http:", "cdrom:"), ""),
        ("sources.list", ONE_LINE.replace("deb ", "deb-src "), ""),
        ("sources.list", "deb 'unbalanced\n", ""),
    ],
)
def test_the_mirror_is_the_debian_archive_that_apt_uses(
    tmp_path: Path, file: str, text: str, found: str
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)

    assert mirror.find(tmp_path) == found

"""How often a command waits for the network: a round trip of 0.4 s shows."""

import subprocess
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.far_away import far_away
from tests.lab.user import User

FAR = 0.4  # seconds
NOISE = 1.0  # round trips that a busy computer may seem to add
KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture(scope="module")
def counted(lab3: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Round trips, by what was done."""
    folder = tmp_path_factory.mktemp("far")
    once, again = (spans(lab3, folder / name, 0.0) for name in ("near", "again"))
    far = spans(lab3, folder / "far", FAR)
    return {what: (far[what] - min(once[what], again[what])) / FAR for what in far}


def spans(lab: Lab, folder: Path, round_trip: float) -> dict[str, float]:
    """Work with one machine over a way so long; return the seconds that each connection took."""
    machine, took = lab.machines[0], dict[str, float]()
    key = lab.run(machine.name, "cut", "-d ", "-f1,2", KEY).stdout.decode().strip()
    folder.mkdir()
    with far_away(machine.address, round_trip) as way:
        user = User.of(lab, folder)
        user.variables["SSHFLEET_INVENTORY"] = str(folder / "inventory.yaml")
        where = f"address: 127.0.0.1, port: {way.port}, user: core, host_key: {key}"
        user.writes("inventory.yaml", f"machines: {{far: {{{where}}}}}\n")
        user.writes("known", f"[127.0.0.1]:{way.port} {key}\n")
        user.writes("far.service", UNIT)
        user.writes("ten@.service", UNIT)
        ssh = ["ssh", "-F", "none", "-o", f"UserKnownHostsFile={folder}/known"]
        for what, argv in {
            "ssh": [*ssh, "-p", str(way.port), "core@127.0.0.1", "true"],
            "new": user.command("start", "far.service"),
            "nothing": user.command("reconcile"),
            "ten": user.command("start", *(f"ten@{number}.service" for number in range(10))),
            "end": user.command("destroy", "*"),
        }.items():
            done = subprocess.run(argv, cwd=folder, env=user.variables, capture_output=True)
            assert done.returncode == 0, done
            took[what] = way.only_span()
    return took


def test_nothing_to_do_takes_fewer_round_trips_than_ssh(counted: dict[str, float]) -> None:
    assert counted["nothing"] < 7 + NOISE
    assert counted["nothing"] < counted["ssh"]


def test_a_new_unit_takes_eleven_round_trips(counted: dict[str, float]) -> None:
    assert counted["new"] < 11 + NOISE
    assert counted["new"] < 1.7 * counted["ssh"]


def test_ten_new_units_take_as_many_as_one(counted: dict[str, float]) -> None:
    assert counted["ten"] < 11 + NOISE

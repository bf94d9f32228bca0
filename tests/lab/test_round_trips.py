"""How often a command waits for the network: a round trip of 0.4 s shows."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.far_away import far_away
from tests.lab.user import User

FAR = 0.4  # seconds
MOST = {"nothing": 7, "new": 11, "ten": 11}  # round trips, that of TCP's handshake included
NOISE = 1.0  # round trips
TRIES = 4
KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture(scope="module")
def counted(lab3: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Round trips, by what was done; whatever else the computer does can only seem to add some."""
    folder = tmp_path_factory.mktemp("far")
    near = least(spans(lab3, folder / f"near-{turn}", 0.0) for turn in range(2))
    far: list[dict[str, float]] = []
    while len(far) < TRIES:
        far.append(spans(lab3, folder / f"far-{len(far)}", FAR))
        found = {what: (took - near[what]) / FAR for what, took in least(far).items()}
        if all(found[what] < most + NOISE for what, most in MOST.items()):
            break
    return found


def least(runs: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return the least of each."""
    every = list(runs)
    return {what: min(run[what] for run in every) for what in every[0]}


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


@pytest.mark.parametrize(("what", "most"), MOST.items())
def test_the_network_is_waited_for_so_often(
    counted: dict[str, float], what: str, most: int
) -> None:
    assert counted[what] < most + NOISE


def test_nothing_to_do_is_told_sooner_than_ssh_is_back(counted: dict[str, float]) -> None:
    assert counted["nothing"] < counted["ssh"]


def test_a_new_unit_takes_less_than_two_commands_by_ssh(counted: dict[str, float]) -> None:
    assert counted["new"] < 1.7 * counted["ssh"]

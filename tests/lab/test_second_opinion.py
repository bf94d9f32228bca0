"""A machine that only we cannot reach, and one that nobody can: what its neighbour says of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshfleet.inventory import load_inventory
from sshfleet.lab import command, network
from sshfleet.lab.lab import Lab
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport

pytestmark = pytest.mark.slow


@contextmanager
def out_of_our_sight(lab: Lab, name: str) -> Iterator[None]:
    """Send what this computer has for a machine to nobody; its neighbours still reach it."""
    number, address = next(
        (number, machine.address)
        for number, machine in enumerate(lab.machines, start=1)
        if machine.name == name
    )
    device = network.bridge(lab.name)

    def send_to(hardware: str) -> None:
        words = ("to", address, "lladdr", hardware, "dev", device, "nud", "permanent")
        command.run("ip", "neighbour", "replace", *words)

    send_to("02:00:5e:00:00:01")
    try:
        yield
    finally:
        send_to(network.hardware_address(lab.name, number))


def opinion(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> tuple[Trouble | None, bool | None]:
    """Return how the first machine stands for us, and whether the second one reaches it."""
    monkeypatch.setenv("SSH_AUTH_SOCK", str(lab.agent_socket))
    first, second = load_inventory(lab.inventory).machines[:2]

    async def ask() -> tuple[Trouble | None, bool | None]:
        async with SshTransport(SshOptions(ssh_config="/dev/null", timeout=5)) as transport:
            reached = await transport.reaches(second, first)
            try:
                await transport.run(first, Run(script="true"))
            except TransportError as error:
                return error.trouble, reached
            return None, reached

    return asyncio.run(ask())


def test_a_neighbour_tells_a_dead_machine_from_one_that_only_we_cannot_reach(
    lab3: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    first, second = (machine.name for machine in lab3.machines[:2])
    assert opinion(lab3, monkeypatch) == (None, True)

    with out_of_our_sight(lab3, first):
        assert opinion(lab3, monkeypatch) == (Trouble.SILENT, True)

    lab3.partition(first)
    assert opinion(lab3, monkeypatch) == (Trouble.SILENT, False)
    lab3.heal(first)

    lab3.run(first, "systemctl", "stop", "ssh.socket", "ssh.service")
    assert opinion(lab3, monkeypatch) == (Trouble.NO_SSHD, True)
    lab3.run(first, "systemctl", "start", "ssh.service")

    lab3.partition(first)
    forwarding(lab3, second, "no")
    try:
        assert opinion(lab3, monkeypatch) == (Trouble.SILENT, None)
    finally:
        forwarding(lab3, second, "yes")


def forwarding(lab: Lab, name: str, word: str) -> None:
    script = (
        'f=/etc/ssh/sshd_config.d/opinion.conf; case $1 in no) echo "AllowTcpForwarding no" >$f;; '
        "*) rm -f $f;; esac; systemctl restart ssh.service"
    )
    lab.run(name, "sh", "-euc", script, "sh", word)

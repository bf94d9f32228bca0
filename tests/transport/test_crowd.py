"""Two hundred machines of which some are dead or tarpits: none slows another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshfleet.exchange import exchange
from sshfleet.inventory import load_inventory
from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble, Unreachable
from sshfleet.systemd.reply import Reply
from sshfleet.systemd.transaction import Transaction
from sshfleet.transport.base import Transport
from sshfleet.transport.options import SshOptions
from sshfleet.transport.ssh import SshTransport
from tests.crowd.crowd import Kinds, crowd

BUDGET = 5.0  # seconds a machine may take to log in
TROUBLE = {"dead": Trouble.SILENT, "mute": Trouble.HUNG, "slow": Trouble.HUNG}
WANTED = Transaction()


class Asked:
    """What came of asking all machines at once, and after how many seconds."""

    def __init__(self) -> None:
        self.answers: dict[str, Reply | Unreachable] = {}
        self.when: dict[str, float] = {}

    async def all(self, transport: Transport, machines: tuple[Machine, ...]) -> None:
        now = asyncio.get_running_loop().time
        began = now()

        async def one(machine: Machine) -> None:
            self.answers[machine.name] = await exchange(transport, machine, WANTED)
            self.when[machine.name] = now() - began

        await asyncio.gather(*map(one, machines))

    def seconds(self, kind: str) -> list[float]:
        return sorted(when for name, when in self.when.items() if name.startswith(kind))


@pytest.fixture
async def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Asked]:
    kinds, forks = request.param
    (tmp_path / "ssh_config").touch()
    with crowd(tmp_path / "crowd", kinds) as user:
        monkeypatch.setenv("SSH_AUTH_SOCK", user.variables["SSH_AUTH_SOCK"])
        known, config = user.variables["SSHFLEET_KNOWN_HOSTS_FILE"], tmp_path / "ssh_config"
        fleet = load_inventory(Path(user.variables["SSHFLEET_INVENTORY"]))
        options = SshOptions(
            known_hosts_file=known,
            ssh_config=str(config),
            timeout=BUDGET,
            forks=forks,
        )
        asked = Asked()
        async with SshTransport(options) as transport:
            await asked.all(transport, fleet.machines)
        yield asked


def each_is_told(asked: Asked) -> None:
    for name, answer in asked.answers.items():
        if (kind := name.partition("-")[0]) == "good":
            assert isinstance(answer, Reply), (name, answer)
        else:
            assert isinstance(answer, Unreachable), (name, answer)
            assert answer.trouble is TROUBLE[kind]


@pytest.mark.row("J1")
@pytest.mark.parametrize(
    "asked", [(Kinds(good=175, dead=20, mute=3, slow=2), 0)], indirect=True, ids=["200"]
)
async def test_dead_machines_and_tarpits_cost_their_own_time_and_nobody_elses(
    asked: Asked,
) -> None:
    each_is_told(asked)
    good = asked.seconds("good")
    assert len(good) == 175
    # The second bound is for a computer so busy that the good ones alone take that long.
    assert max(asked.when.values()) <= 1.1 * max(BUDGET, good[-1])


@pytest.mark.row("J1")
@pytest.mark.parametrize(
    "asked", [(Kinds(good=20, dead=20, mute=3, slow=2), 5)], indirect=True, ids=["5 at once"]
)
async def test_machines_that_keep_us_waiting_take_no_turn_from_the_others(asked: Asked) -> None:
    each_is_told(asked)
    troubled = [asked.seconds(kind)[-1] for kind in TROUBLE]
    assert asked.seconds("good")[0] < BUDGET  # as a sum: 25 of them, 5 at once, come to 5 budgets
    assert max(troubled) < 2 * BUDGET

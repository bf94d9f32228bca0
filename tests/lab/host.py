"""One machine of a lab, given transactions without a transport: by `sh -c` as root."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sshfleet.lab.lab import Lab
from sshfleet.model.action import Action, Verb
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.observed import UnitState
from sshfleet.model.step import Completed
from sshfleet.model.unit import UnitName, sha256_of
from sshfleet.systemd.reply import Reply, parse_reply
from sshfleet.systemd.transaction import Transaction, request
from tests.builders import LINEAGE

STAGING = "/root/staging"
SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n"

# Whatever carries our name, leads to something that does, or leads nowhere.
RESIDUE = """
find /etc /run \\( -path '*sshfleet*' -o -lname '*sshfleet*' \\) -print
find -L /etc/systemd/system /run/systemd/system -type l -print
systemctl list-units --all --plain --no-legend 'sshfleet*'
"""


def order(verb: Verb, name: str, **more: object) -> Action:
    """Make an order for the machine under test."""
    base = Action(
        machine=MachineName("m1"),
        machine_id=MachineId("0" * 32),
        verb=verb,
        unit=UnitName(name),
        reason="test",
        generation=1,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def install(
    name: str,
    text: str,
    target: str = "launched",
    generation: int = 1,
    dropins: Mapping[str, str] | None = None,
) -> Action:
    """Order a unit to be put in place."""
    dropins = dropins or {}
    return order(
        Verb.INSTALL,
        name,
        sha256=sha256_of(text),
        dropins={file: sha256_of(dropin) for file, dropin in dropins.items()},
        target=TargetState(target),
        generation=generation,
        installs="[Install]" in "".join([text, *dropins.values()]),
    )


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of a lab."""

    lab: Lab
    name: str

    def go(self, *actions: Action, **more: object) -> Reply:
        """Carry out a transaction; whatever the actions name is watched for up to 8 seconds."""
        settings = {"patience": 8.0, "watch": (), "lineage": LINEAGE, "staging": STAGING, **more}
        transaction = Transaction(actions=actions, **settings)  # type: ignore[arg-type]
        nonce = secrets.token_hex(8)
        run = request(transaction, nonce)
        done = self.lab.run(self.name, "sh", "-c", run.script, check=False, input=run.data)
        completed = Completed(status=done.returncode, stdout=done.stdout, stderr=done.stderr)
        reply = parse_reply(completed, nonce)
        assert done.stderr == b""
        return reply

    def run_units(self, texts: dict[str, str], *, start: bool = True) -> Reply:
        """Install units as launched, and start and watch them."""
        self.stage(*texts.values())
        orders = [install(name, text) for name, text in texts.items()]
        if not start:
            return self.go(*orders)
        orders += [order(Verb.START, name) for name in texts]
        return self.go(*orders, watch=tuple(UnitName(name) for name in texts))

    def load_unit(self, name: str, text: str, generation: int = 1) -> Reply:
        """Install a unit as loaded."""
        self.stage(text)
        return self.go(install(name, text, "loaded", generation))

    def stage(self, *texts: str) -> None:
        """Put texts where uploads go."""
        for text in set(texts):
            name = sha256_of(text)
            self.sh(f'mkdir -p -m 700 {STAGING} && cat >{STAGING}/"$1"', name, given=text)

    def sh(self, script: str, *arguments: str, given: str = "") -> str:
        """Run a few words of shell as root; return what they print."""
        done = self.lab.run(self.name, "sh", "-euc", script, "sh", *arguments, input=given.encode())
        return done.stdout.decode()

    def unit(self, name: str) -> UnitState:
        """Look at one unit."""
        return self.go(look=(UnitName(name),)).report.units[UnitName(name)]

    def clear(self) -> None:
        """Remove every unit of ours."""
        held = [state.name for state in self.go().report.units.values() if state.sha256]
        if held:
            self.sh('for unit; do systemctl kill -s KILL "$unit" || :; done 2>/dev/null', *held)
            self.go(*(order(Verb.REMOVE, name) for name in held))
        self.sh(f"rm -rf {STAGING}")

    def residue(self) -> list[str]:
        """List what of ours is left on a machine whose units were all removed."""
        return self.sh(RESIDUE).splitlines()


def refused(reply: Reply) -> dict[str, str]:
    """Return the words of the orders that were not carried out, by verb and name."""
    return {f"{each.verb.name} {each.unit}": each.detail for each in reply.outcomes if not each.ok}


def shown(reply: Reply, name: str) -> UnitState:
    """Return how a unit was after the transaction."""
    return reply.report.units[UnitName(name)]

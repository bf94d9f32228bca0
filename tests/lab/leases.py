"""Leases on machines of a lab, given without a transport."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sshfleet.model.action import Action, Verb
from sshfleet.model.step import Completed, Run
from sshfleet.model.unit import UnitName
from sshfleet.systemd.renewal import Renewal, renewal, renewed
from tests.builders import LINEAGE
from tests.lab.host import Host, install, order

LONG = 3600
DEADLINE = 60.0  # seconds for what is polled, on a machine under load


def leased(name: str, text: str, guard: str = "15", **more: object) -> Action:
    """Order a unit that runs only under a lease."""
    return replace(install(name, text), runtime=True, guard=guard, **more)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until a condition holds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {DEADLINE:.0f} s"
        time.sleep(0.1)


@dataclass(slots=True)
class Leases:
    """The leases of one machine, each with a number higher than the one before."""

    host: Host
    number: int = 0

    def asked(self, seconds: float, *names: str, **more: object) -> tuple[Renewal, Run, str]:
        """Write a renewal that ends so many seconds from now."""
        seen = self.host.go().report
        self.number += 1
        asked = Renewal(
            boot_id=seen.boot_id,
            deadline=seen.uptime + seconds,
            wall=seen.wall + int(seconds),
            number=self.number,
            lineage=LINEAGE,
            units=tuple(UnitName(name) for name in names),
        )
        asked = replace(asked, **more)  # type: ignore[arg-type]
        nonce = secrets.token_hex(8)
        return asked, renewal(asked, nonce), nonce

    def send(self, run: Run, nonce: str) -> str:
        """Deliver a renewal; return why the machine refused it."""
        done = self.host.lab.run(
            self.host.name, "sh", "-c", run.script, check=False, input=run.data
        )
        assert done.stderr == b""
        return renewed(
            Completed(status=done.returncode, stdout=done.stdout, stderr=done.stderr), nonce
        )

    def renew(self, seconds: float, *names: str, **more: object) -> str:
        """Write a renewal and deliver it; return why the machine refused it."""
        _, run, nonce = self.asked(seconds, *names, **more)
        return self.send(run, nonce)

    def run_units(self, texts: dict[str, str], guard: str = "15") -> None:
        """Install leased units, and start them."""
        self.host.stage(*texts.values())
        orders = [leased(name, text, guard) for name, text in texts.items()]
        orders += [order(Verb.START, name) for name in texts]
        reply = self.host.go(*orders, watch=tuple(UnitName(name) for name in texts))
        assert [each for each in reply.outcomes if not each.ok] == []
        states = reply.report.units
        assert {states[UnitName(name)].guarded for name in texts} == {True}

    def wait_up(self, name: str, why: str) -> None:
        """Wait until a unit runs."""
        wait_for(lambda: self.is_active(name), f"{name} starts: {why}")

    def wait_down(self, name: str, why: str) -> None:
        """Wait until a unit does not run any more."""
        wait_for(lambda: not self.is_active(name), f"{name} stops: {why}")

    def is_active(self, name: str) -> bool:
        """Tell whether a unit runs, or is about to start or to end."""
        state = self.host.sh('systemctl show --value -p ActiveState "$1"', name).strip()
        return state not in ("inactive", "failed")

"""The lease of a fake machine, judged as systemd/sh/renew and systemd/sh/watchman do."""

from dataclasses import dataclass

from sshfleet.model.owner import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeLease:
    """The lease that lies on a machine."""

    boot: str
    deadline: int
    wall: int
    number: int
    lineage: str
    units: frozenset[str]

    def covers(self, name: str, boot: str, uptime: int, wall: int) -> bool:
        """Tell whether it lets a unit run now."""
        in_time = uptime < self.deadline <= uptime + 90000 and wall < self.wall
        return in_time and boot == self.boot and name in self.units

    def why_not(
        self, boot: str, uptime: float, owner: Owner | None, there: "FakeLease | None"
    ) -> str:
        """Say why a machine refuses it, nothing when it does not."""
        if self.boot != boot:
            return "it was rebooted meanwhile"
        if int(uptime) >= self.deadline:
            return "the lease came too late: it is over"
        if self.deadline > int(uptime) + 90000:
            return "the lease is longer than 25 hours"
        if owner and owner.lineage != self.lineage:
            return "it belongs to another journal"
        if there and there.lineage == self.lineage and there.number > self.number:
            return "a newer lease is there already"
        return ""


def asked_for(data: bytes) -> tuple[str, FakeLease]:
    """Read the input of the renewal's script: its nonce and the lease."""
    lines = [line.split("\t") for line in data.decode().splitlines()]
    (nonce,) = (line[1] for line in lines if line[0] == "nonce")
    (said,) = (line[1].split() for line in lines if line[0] == "lease")
    lease = FakeLease(
        boot=said[0],
        deadline=int(said[1]),
        wall=int(said[2]),
        number=int(said[3]),
        lineage=said[4],
        units=frozenset(line[1] for line in lines if line[0] == "unit"),
    )
    return nonce, lease

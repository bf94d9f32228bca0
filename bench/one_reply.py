"""What a machine of the big fleet answers: the bytes that its script would send."""

import json
from dataclasses import asdict

from bench.big_fleet import BigFleet
from sshfleet.model.observed import Reached, UnitState
from sshfleet.model.step import Completed

NONCE = "0123456789abcdef"


def reply_of(big: BigFleet) -> Completed:
    """Return the answer of the first machine."""
    report = big.reports[big.fleet.machines[0].name]
    assert isinstance(report, Reached)
    facts = {
        "machine": report.machine, "boot": report.machine, "uptime": "1000.00",
        "wall": "1750000000", "os": report.os, "arch": report.arch, "systemd": "252",
        "cpus": "2", "memory": "2097152", "owner": "-", "flock": "yes",
    }  # fmt: skip
    lines = [f"{NONCE} begin", *(f"{key}\t{value}" for key, value in facts.items())]
    lines += [_told(state) for state in report.units.values()]
    lines += [
        f"brief\t{state.name}\t{state.sub}\t{state.invocation}\t{state.fragment}"
        for state in report.units.values()
    ]
    sums = [f"{state.sha256}  {state.fragment}" for state in report.units.values()]
    lines += [f"{NONCE} sums", *sums, f"{NONCE} show", f"{NONCE} end", ""]
    return Completed(status=0, stdout="\n".join(lines).encode(), stderr=b"")


def _told(state: UnitState) -> str:
    assert state.record
    record = {key: value for key, value in asdict(state.record).items() if value}
    place = "\trun" if state.runtime else ""
    return f"unit\t{state.name}\t{'yes' if state.boot else 'no'}\t{json.dumps(record)}{place}"

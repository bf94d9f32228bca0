"""What doctor says of the agent's keys by themselves."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sshfleet.cli.doctor_here import agent_findings, usable
from sshfleet.errors import ExitCode
from sshfleet.model.finding import Level, gravest
from sshfleet.transport import keys
from sshfleet.transport.keys import AgentKey

NOW = datetime(2026, 11, 23, 12, 7, tzinfo=UTC)


def key(minutes: float | None = None) -> AgentKey:
    ends = None if minutes is None else int((NOW + timedelta(minutes=minutes)).timestamp())
    return AgentKey(kind="ssh-ed25519", fingerprint="SHA256:x", comment="me", ends=ends)


@pytest.mark.parametrize(
    ("held", "levels", "code"),
    [
        ([key()], [Level.OK], ExitCode.DONE),
        ([key(61)], [Level.OK], ExitCode.DONE),
        ([key(59)], [Level.NOTE], ExitCode.DONE),
        ([key(-1)], [Level.PROBLEM], ExitCode.NO_KEY),
        ([key(-1), key(-9)], [Level.PROBLEM, Level.PROBLEM], ExitCode.NO_KEY),
        ([key(-1), key()], [Level.NOTE, Level.OK], ExitCode.DONE),
        ([key()] * 7, [Level.OK] * 7 + [Level.NOTE], ExitCode.DONE),
    ],
)
def test_keys_are_judged_one_by_one_and_those_that_ended_only_if_no_other_will_do(
    monkeypatch: pytest.MonkeyPatch, held: list[AgentKey], levels: list[Level], code: ExitCode
) -> None:
    async def hold() -> list[AgentKey]:
        return held

    monkeypatch.setattr(keys, "agent_keys", hold)
    findings = asyncio.run(agent_findings(NOW))
    assert [one.level for one in findings] == levels
    assert gravest(findings) is code
    assert usable(findings) is (code is ExitCode.DONE)

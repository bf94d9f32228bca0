"""What doctor says of each machine, told from one look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sshfleet.cli.doctor_there import Examined, machine_findings
from sshfleet.errors import ExitCode
from sshfleet.model.finding import Finding, Level, gravest
from sshfleet.model.machine import MachineName
from sshfleet.model.observed import Report, Trouble, UnitState
from sshfleet.model.owner import Owner
from sshfleet.model.standing import Standing
from tests.builders import machine, reached, silent, state, unit, world

NOW = datetime(2026, 11, 23, 12, 7, tzinfo=UTC)
WEB = unit("web.service")
OTHERS = Owner(lineage="other", mark="7-0123456789abcdef", by="eve@lab", at="2026-11-23")


def found(*reports: Report, standing: Standing | None = None) -> list[Finding]:
    names = [f"m{number}" for number in range(1, len(reports) + 1)]
    of = world(*(machine(name) for name in names), reports=dict(zip(names, reports, strict=True)))
    standings = {MachineName("m1"): standing} if standing else {}
    look = Examined(
        fleet=of.fleet, state=of.desired, observed=of.observed, standings=standings, now=NOW
    )
    return list(machine_findings(look))


def one(*reports: Report, standing: Standing | None = None) -> Finding:
    (finding,) = found(*reports, standing=standing)
    return finding


def with_unit(**more: object) -> Report:
    return reached("m1", replace(state(WEB), **more))  # type: ignore[arg-type]


def test_a_machine_that_answers_is_well_since_when_with_what() -> None:
    since = NOW - timedelta(hours=3)
    finding = one(reached("m1", state(WEB)), standing=Standing(trouble=None, since=since))
    assert finding.level is Level.OK
    assert finding.what.endswith("; systemd 252, 1 unit")
    assert finding.what.startswith("answers since ")


@pytest.mark.parametrize(
    ("trouble", "word", "mends", "code"),
    [
        (Trouble.SILENT, "silent", "sshfleet evict m1", ExitCode.UNREACHABLE),
        (Trouble.HUNG, "hung", "console", ExitCode.UNREACHABLE),
        (Trouble.NO_SSHD, "no-sshd", "systemctl start ssh", ExitCode.UNREACHABLE),
        (Trouble.HOST_KEY, "untrusted", "hint", ExitCode.HOST_KEY),
        (Trouble.AUTH, "auth", "hint", ExitCode.NO_KEY),
        (Trouble.UNMANAGEABLE, "unmanageable", "sshfleet ssh m1 true", ExitCode.UNREACHABLE),
        (Trouble.FAULT_HERE, "controller-fault", "hint", ExitCode.UNREACHABLE),
    ],
)
def test_a_machine_in_trouble_says_which_since_when_and_what_mends_it(
    trouble: Trouble, word: str, mends: str, code: ExitCode
) -> None:
    hint = "hint" if mends == "hint" else ""
    away = replace(silent("why", trouble), hint=hint)
    stood = Standing(trouble=trouble, detail="why", since=NOW - timedelta(minutes=4))
    finding = one(away, standing=stood)
    assert finding.what.startswith(f"{word} since ")
    assert finding.what.endswith(" (4 min): why")
    assert mends in finding.mend
    assert (finding.level, finding.code) == (Level.PROBLEM, code)


def test_of_a_trouble_that_is_new_no_older_time_is_told() -> None:
    stood = Standing(trouble=Trouble.HUNG, since=NOW)
    assert one(silent("why"), standing=stood).what == "silent: why"


@pytest.mark.parametrize(
    ("more", "what", "mend"),
    [
        ({"active": "failed", "result": "exit-code"}, "has failed (exit-code)", "journal web"),
        ({"active": "activating", "sub": "auto-restart", "restarts": 7}, "7 times", "journal web"),
        ({"load": "masked"}, "is masked there", "unmask web.service"),
        ({"shadow": "/etc/systemd/system/web.service"}, "is hidden by /etc", "rm /etc/systemd"),
    ],
)
def test_what_is_wrong_with_a_unit_of_ours_is_told(
    more: dict[str, object], what: str, mend: str
) -> None:
    finding = one(with_unit(**more))
    assert what in finding.what
    assert mend in finding.mend
    assert gravest([finding]) is ExitCode.NOT_SO


def test_a_unit_that_is_not_ours_is_nobodys_business() -> None:
    stranger: UnitState = state("other.service", active="failed")
    assert one(reached("m1", stranger)).level is Level.OK


@pytest.mark.parametrize(
    ("more", "what", "level"),
    [
        ({"systemd": 246}, "has systemd 246", Level.PROBLEM),
        ({"flock": False}, "has no flock", Level.NOTE),
        ({"busy": True}, "another sshfleet is at work", Level.NOTE),
        ({"wall": int(NOW.timestamp()) - 300}, "its clock is 5 min behind", Level.NOTE),
        ({"wall": int(NOW.timestamp()) + 7300}, "its clock is 2 h ahead", Level.NOTE),
        ({"wall": int(NOW.timestamp()) + 59}, "answers", Level.OK),
        ({"systemd": 247}, "answers", Level.OK),
        ({"owner": OTHERS}, "belongs to another journal", Level.PROBLEM),
    ],
)
def test_what_is_odd_about_a_machine_is_told(
    more: dict[str, object], what: str, level: Level
) -> None:
    finding = one(reached("m1", **more))
    assert what in finding.what
    assert finding.level is level


def test_two_names_of_one_machine_are_both_told() -> None:
    findings = found(reached("m1"), reached("m1"))
    assert [each.about for each in findings] == ["m1", "m2"]
    assert all("clone" in each.what for each in findings)

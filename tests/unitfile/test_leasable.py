import pytest

from sshfleet.model.unit import Leasing, UnitName
from sshfleet.unitfile.leasable import stop_seconds, why_not_leased
from sshfleet.unitfile.read import read_text
from sshfleet.unitfile.syntax import UnitText, parse

PLAIN = "[Service]\nExecStart=/bin/true\n"


def service(*lines: str) -> UnitText:
    return parse(PLAIN + "".join(line + "\n" for line in lines), "web.service")


FIT = [
    [],
    ["KillMode=mixed"],
    ["KillMode=process", "KillMode=control-group"],
    ["SendSIGKILL=yes"],
    ["SendSIGKILL=no", "SendSIGKILL=1"],
    ["FinalKillSignal=SIGKILL"],
    ["TimeoutStopSec=1min 30s"],
    ["TimeoutSec=5"],
    ["TimeoutStopSec=infinity", "TimeoutStopSec=5"],
    ["TimeoutStopFailureMode=kill"],
    ["RemainAfterExit=yes"],
    ["ExecStart=/usr/bin/docker run x", "ExecStopPost=-/usr/bin/docker rm -f x"],
    ["ExecStart=/usr/bin/docker run x", "ExecStart=", "ExecStart=/bin/true"],
    ["ExecStart=/usr/bin/docker ps"],
    ["[Unit]", "RefuseManualStop=no"],
]


@pytest.mark.parametrize("lines", FIT)
def test_a_service_that_systemd_surely_stops_may_have_a_lease(lines: list[str]) -> None:
    assert why_not_leased("web.service", service(*lines)) == ""


UNFIT = [
    (["KillMode=process"], "KillMode=process leaves"),
    (["KillMode=none"], "KillMode=none leaves"),
    (["SendSIGKILL=no"], "SendSIGKILL=no"),
    (["SendSIGKILL=False"], "SendSIGKILL=no"),
    (["FinalKillSignal=SIGTERM"], "FinalKillSignal=SIGTERM"),
    (["TimeoutStopSec=infinity"], "'infinity', has no end"),
    (["TimeoutStopSec=0"], "'0', has no end"),
    (["TimeoutStopSec=0s"], "'0s', has no end"),
    (["TimeoutSec=infinity"], "'infinity', has no end"),
    (["TimeoutStopSec=5", "TimeoutSec=0"], "'0', has no end"),
    (["TimeoutStopSec=soon"], "cannot be read"),
    (["TimeoutStopSec=5 parsecs"], "cannot be read"),
    (["TimeoutStopSec=-5"], "cannot be read"),
    (["TimeoutAbortSec=infinity"], "'infinity', has no end"),
    (["TimeoutStopFailureMode=abort"], "TimeoutStopFailureMode=abort"),
    (["ExecStart=/usr/bin/docker run -d x"], "docker starts what does not stop"),
    (["ExecStart=/bin/sh -c 'exec podman run x'"], "podman starts what does not stop"),
    (["ExecStartPre=/usr/bin/docker --debug start x"], "docker starts what does not stop"),
    (["ExecStart=docker run x", "ExecStop=docker stop x"], "docker starts what does not stop"),
    (["ExecStart=/usr/bin/systemd-run sleep 9"], "systemd-run starts"),
    (["[Unit]", "RefuseManualStop=yes"], "RefuseManualStop=yes"),
]


@pytest.mark.parametrize(("lines", "words"), UNFIT)
def test_what_may_outlive_its_stop_has_no_lease(lines: list[str], words: str) -> None:
    assert words in why_not_leased("web.service", service(*lines))


@pytest.mark.parametrize("name", ["web.socket", "web.timer", "data.mount"])
def test_only_services_have_leases(name: str) -> None:
    assert why_not_leased(name, service()).startswith("only services can")


def test_drop_ins_count() -> None:
    one = read_text(UnitName("web.service"), PLAIN, {"a.conf": "[Service]\nKillMode=none\n"})
    assert "KillMode=none" in one.leasing.why_not
    own = read_text(UnitName("web.service"), PLAIN, {"a.conf": "[Service]\nTimeoutStopSec=5\n"})
    assert own.leasing == Leasing("", 20.0, own=True)


TIMES = [
    ("90", 90),
    ("2m", 120),
    ("1min 30s", 90),
    ("1min30", 90),
    ("1.5h", 5400),
    ("500ms", 0.5),
    ("2 min", 120),
    ("1d", 86400),
    ("1M", 2629800),
]


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_spans_are_read_as_systemd_reads_them(text: str, seconds: float) -> None:
    assert stop_seconds(service(f"TimeoutStopSec={text}")) == (2 * seconds + 10, True)


def test_every_step_of_a_stop_has_its_time() -> None:
    assert stop_seconds(service()) == (2 * 15 + 10, False)
    assert stop_seconds(service("ExecStop=/bin/a", "ExecStop=/bin/b ; /bin/c")) == (
        5 * 15 + 10,
        False,
    )
    assert stop_seconds(service("ExecStopPost=/bin/a", "TimeoutStopSec=1")) == (14, True)
    assert stop_seconds(service("ExecStop=/bin/a", "ExecStop=")) == (40, False)
    assert stop_seconds(service("TimeoutAbortSec=8")) == (40, False)
    assert stop_seconds(service("TimeoutStopSec=5", "TimeoutAbortSec=8")) == (26, True)


@pytest.mark.parametrize("text", ["infinity", "0", "soon", "1 1x"])
def test_a_time_without_end_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        stop_seconds(service(f"TimeoutStopSec={text}"))

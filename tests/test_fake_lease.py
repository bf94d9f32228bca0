from sshfleet.model.step import Completed
from sshfleet.model.unit import UnitName
from sshfleet.systemd.renewal import Renewal, renewal, renewed
from tests.builders import LINEAGE
from tests.fake_machine import FakeMachine
from tests.fake_process import Process

NONCE = "0123456789abcdef"


def renew(one: FakeMachine, seconds: float, *names: str, number: int = 1, boot: str = "") -> str:
    asked = Renewal(
        boot_id=boot or one.boot_id(),
        deadline=one.uptime + seconds,
        wall=one.booted + int(one.uptime + seconds),
        number=number,
        lineage=LINEAGE,
        units=tuple(UnitName(name) for name in names),
    )
    answer = one.renew(renewal(asked, NONCE).data)
    return renewed(Completed(status=0, stdout=answer, stderr=b""), NONCE)


def test_a_fake_machine_stops_what_has_no_lease_any_more() -> None:
    one = FakeMachine("m1", leases={"web.service": "15", "free.service": ""})
    one.processes = {name: Process("active", "running") for name in one.leases}
    assert renew(one, 60, "web.service") == ""
    one.uptime += 59
    one.sweep()
    assert one.running() == {"web.service", "free.service"}
    one.uptime += 2
    one.sweep()
    assert one.running() == {"free.service"}


def test_a_fake_machine_refuses_what_a_real_one_does() -> None:
    one = FakeMachine("m1")
    assert renew(one, 60, number=2) == ""
    assert renew(one, 60, number=1) == "a newer lease is there already"
    assert renew(one, 60, boot="f" * 32) == "it was rebooted meanwhile"
    assert renew(one, 0, number=3) == "the lease came too late: it is over"
    assert renew(one, 90002, number=3) == "the lease is longer than 25 hours"
    one.power_cycle()
    assert (one.lease, renew(one, 60)) == (None, "")

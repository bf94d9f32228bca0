"""What starts at boot and what does not, after a power cut."""

import pytest

from sshfleet.lab.lab import Lab
from sshfleet.model.action import Verb
from tests.lab.host import SLEEPER, Host, order, shown

WANTED = SLEEPER + "[Install]\nWantedBy=multi-user.target\n"


@pytest.mark.parametrize("machine", ["core-01", "core-02"])
def test_after_a_power_cut_launched_units_run_and_loaded_ones_do_not(
    lab3: Lab, machine: str
) -> None:
    host = Host(lab3, machine)
    after = "[Unit]\nAfter=multi-user.target\n" + SLEEPER
    socket = "[Socket]\nListenStream=127.0.0.1:7999\n[Install]\nWantedBy=sockets.target\n"
    launched = {"web@1.service": SLEEPER, "after.service": after, "echo.socket": socket}
    host.load_unit("echo.service", SLEEPER)
    host.load_unit("idle.service", WANTED)
    before = host.run_units({**launched, "wanted.service": WANTED, "over.service": WANTED})
    host.go(order(Verb.STOP, "over.service"))
    host.load_unit("over.service", WANTED, generation=2)  # launched once, now only loaded

    lab3.kill(machine)
    lab3.boot(machine)
    host.sh("systemctl is-system-running --wait || :")

    report = host.go().report
    try:
        active = {str(name) for name, state in report.units.items() if state.active == "active"}
        assert active == {*launched, "wanted.service"}
        assert {state.load for state in report.units.values()} == {"loaded"}
        assert report.boot_id != before.report.boot_id
        invocation = report.units[shown(before, "web@1.service").name].invocation
        assert invocation != shown(before, "web@1.service").invocation
        cycles = "journalctl -b -q --no-pager | grep -i 'ordering cycle' || :"
        assert host.sh(cycles) == ""
        host.go(order(Verb.REMOVE, "web@1.service"))
    finally:
        host.clear()
    assert host.residue() == []

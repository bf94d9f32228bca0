"""Moving over as docs/from-fleet.md tells, on a machine with files as fleet lays them out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.lab.lab import Lab
from tests.lab.user import User, by_id, is_active, shown, visiting

UNIT = "[Service]\nExecStart=/bin/sleep infinity\n"
LIKE_FLEET = r"""
mkdir -p /run/fleet/units
cat >/run/fleet/units/app.service
systemctl link --quiet --runtime --force /run/fleet/units/app.service
systemctl start app.service
"""
# The lines of the page.
LET_GO = r"""
find /run/systemd/system -lname "/run/fleet/units/*" -delete
rm -r /run/fleet/units && systemctl daemon-reload
"""
CLEAR = "systemctl stop app.service; rm -rf /run/fleet /run/systemd/system/app.service"


@pytest.fixture
def user(lab3: Lab, tmp_path: Path) -> Iterator[User]:
    """Use sshfleet where fleet left a unit running, on the machine we would choose last."""
    with visiting(lab3, tmp_path) as someone:
        someone.writes("app.service", UNIT)
        lab3.run(by_id(lab3)[2].name, "sh", "-c", LIKE_FLEET, input=UNIT.encode())
        yield someone
        lab3.run(by_id(lab3)[2].name, "sh", "-c", f"{CLEAR}; systemctl daemon-reload")


def test_a_running_unit_is_taken_over_without_a_stop(lab3: Lab, user: User) -> None:
    first, second, home = (each.name for each in by_id(lab3))
    pid = shown(lab3, home, "app.service", "MainPID")
    user.gets("cordon", first, second)

    refused = user.runs("start", "app")
    assert refused.code == 1
    assert f"{home}  the name is taken by /run/systemd/system/app.service" in refused.stderr

    lab3.run(home, "sh", "-c", LET_GO)
    assert "start on " + home in user.gets("start", "--dry-run", "app")
    user.gets("start", "app")
    user.gets("uncordon", first, second)

    assert shown(lab3, home, "app.service", "MainPID") == pid
    assert shown(lab3, home, "app.service", "FragmentPath") == "/etc/systemd/system/app.service"
    assert sorted(is_active(lab3, "app.service").values()) == ["active", "inactive", "inactive"]
    assert user.gets("reconcile") == ""
    user.gets("restart", "app")
    assert shown(lab3, home, "app.service", "MainPID") not in (pid, "0")

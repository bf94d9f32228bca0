import re
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sshfleet.errors import SshfleetError, UsageError
from sshfleet.lab import cgroup
from sshfleet.lab.body import Condition
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabMachine, LabSpec
from sshfleet.lab.waiting import until

SYS_MODULE, SYS_TIME, SYSLOG = 16, 25, 34  # linux/capability.h
NAMES = ("core-01", "core-02", "core-03")


def said(lab: Lab, machine: str, *argv: str) -> str:
    return lab.run(machine, *argv).stdout.decode().strip()


def ssh(
    lab: Lab, machine: LabMachine, folder: Path, *words: str, user: str = "core"
) -> subprocess.CompletedProcess[str]:
    pins = folder / "known_hosts"
    pins.write_text(f"{machine.address} {machine.host_key}\n")
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={pins}"]
    options += [f"IdentityAgent={lab.agent_socket}", "ConnectTimeout=10"]
    argv = ["ssh", "-F", "none", *(f"-o{option}" for option in options)]
    return subprocess.run(
        [*argv, f"{user}@{machine.address}", *words], capture_output=True, text=True, check=False
    )


def connects(machine: LabMachine) -> bool:
    try:
        with socket.create_connection((machine.address, 22), timeout=1):
            return True
    except OSError:
        return False


def greets(machine: LabMachine) -> bool:
    with socket.create_connection((machine.address, 22), timeout=5) as connection:
        connection.settimeout(1)
        try:
            return connection.recv(4) == b"SSH-"
        except TimeoutError:
            return False


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_boots_without_a_failed_unit(lab3: Lab, name: str) -> None:
    assert said(lab3, name, "systemctl", "is-system-running", "--wait") == "running"


def test_machines_alternate_between_the_suites(lab3: Lab) -> None:
    releases = [said(lab3, name, "sh", "-c", ". /etc/os-release; echo $ID") for name in NAMES]
    suites = [
        said(lab3, name, "sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME") for name in NAMES
    ]

    assert releases == ["debian"] * 3
    assert suites == ["bookworm", "trixie", "bookworm"]
    assert suites == [machine.suite for machine in lab3.machines]


def test_each_machine_has_its_own_name_id_and_host_key(lab3: Lab) -> None:
    for machine in lab3.machines:
        key = said(lab3, machine.name, "cat", "/etc/ssh/ssh_host_ed25519_key.pub")

        assert said(lab3, machine.name, "cat", "/etc/machine-id") == machine.machine_id
        assert said(lab3, machine.name, "hostname") == machine.name
        assert key.startswith(machine.host_key + " ")
        assert said(lab3, machine.name, "sh", "-c", "ls /etc/ssh/ssh_host_*_key").count("\n") == 0
    assert len({machine.machine_id for machine in lab3.machines}) == 3
    assert len({machine.host_key for machine in lab3.machines}) == 3


@pytest.mark.parametrize("user", ["core", "root"])
def test_ssh_gets_in_with_the_agent_and_the_pinned_key(
    lab3: Lab, tmp_path: Path, user: str
) -> None:
    for machine in lab3.machines:
        done = ssh(lab3, machine, tmp_path, "id -un; sudo -n id -un; hostname", user=user)

        assert (done.stdout, done.stderr) == (f"{user}\nroot\n{machine.name}\n", "")


def test_ssh_refuses_a_machine_that_shows_another_key(lab3: Lab, tmp_path: Path) -> None:
    first, second, _ = lab3.machines
    impostor = LabMachine(
        name="impostor",
        number=9,
        address=first.address,
        suite="",
        machine_id="",
        host_key=second.host_key,
    )

    assert ssh(lab3, impostor, tmp_path, "true").returncode == 255


def test_machines_reach_each_other(lab3: Lab) -> None:
    other = lab3.machines[1].address
    reach = f"exec 3<>/dev/tcp/{other}/22; head -c 4 <&3"

    assert said(lab3, "core-01", "bash", "-c", reach) == "SSH-"


def test_a_partitioned_machine_is_silent_and_goes_on_running(lab3: Lab) -> None:
    machine = lab3.machines[0]
    before = said(lab3, machine.name, "cat", "/proc/sys/kernel/random/boot_id")

    lab3.partition(machine.name)

    assert not connects(machine)
    assert lab3.status()[machine.name] is Condition.PARTITIONED
    assert said(lab3, machine.name, "systemctl", "is-active", "ssh") == "active"
    lab3.heal(machine.name)
    assert greets(machine)
    assert lab3.status()[machine.name] is Condition.RUNNING
    assert said(lab3, machine.name, "cat", "/proc/sys/kernel/random/boot_id") == before


def test_machines_cut_off_or_without_power_stay_silent_for_long(lab3: Lab) -> None:
    # ARP gives up after three seconds, and this computer would say "no route to host" by itself.
    longer_than_arp = 4
    lab3.partition("core-01")
    for dead in ("core-02", "core-03"):
        lab3.kill(dead)

    for machine in lab3.machines[:2]:
        with pytest.raises(TimeoutError):
            socket.create_connection((machine.address, 22), timeout=longer_than_arp)


def test_a_frozen_machine_accepts_connections_and_says_nothing(lab3: Lab) -> None:
    machine = lab3.machines[1]

    lab3.freeze(machine.name)

    assert lab3.status()[machine.name] is Condition.FROZEN
    assert not greets(machine)
    with pytest.raises(SshfleetError, match="frozen"):
        lab3.run(machine.name, "true")
    lab3.thaw(machine.name)
    assert greets(machine)


def test_a_power_cut_keeps_etc_and_empties_run(lab3: Lab) -> None:
    machine = lab3.machines[2]
    lab3.run(machine.name, "touch", "/etc/kept", "/run/lost", "/tmp/lost")
    before = said(lab3, machine.name, "cat", "/proc/sys/kernel/random/boot_id")

    lab3.kill(machine.name)

    assert lab3.status()[machine.name] is Condition.OFF
    assert not connects(machine)
    lab3.boot(machine.name)
    assert lab3.status()[machine.name] is Condition.RUNNING
    assert said(lab3, machine.name, "cat", "/etc/machine-id") == machine.machine_id
    assert said(lab3, machine.name, "cat", "/proc/sys/kernel/random/boot_id") != before
    there = lab3.run(machine.name, "ls", "/etc/kept", "/run/lost", "/tmp/lost", check=False)
    assert there.stdout == b"/etc/kept\n"


def test_a_power_cut_says_nothing_to_open_connections(lab3: Lab) -> None:
    machine = lab3.machines[0]
    with socket.create_connection((machine.address, 22), timeout=1) as connection:
        connection.recv(64)

        lab3.kill(machine.name)

        with pytest.raises(TimeoutError):
            connection.recv(64)


def test_a_command_that_is_stopped_is_woken_up(lab3: Lab) -> None:
    # So does a machine with every command in it when it shuts down.
    assert said(lab3, "core-01", "sh", "-c", "kill -STOP $$; echo on") == "on"


def test_a_machine_that_reboots_itself_comes_back(lab3: Lab) -> None:
    machine = lab3.machines[1]
    before = said(lab3, machine.name, "cat", "/proc/sys/kernel/random/boot_id")

    lab3.run(machine.name, "systemctl", "reboot", check=False)

    def is_back() -> bool:
        try:
            return said(lab3, machine.name, "cat", "/proc/sys/kernel/random/boot_id") != before
        except (SshfleetError, subprocess.CalledProcessError):
            return False

    until(is_back, 60, "the machine to be back")
    lab3.boot(machine.name)
    assert said(lab3, machine.name, "systemctl", "is-system-running", "--wait") == "running"


def test_a_machine_that_powers_itself_off_is_off_and_boots_again(lab3: Lab) -> None:
    machine = lab3.machines[1]

    lab3.run(machine.name, "systemctl", "poweroff", check=False)

    until(lambda: lab3.status()[machine.name] is Condition.OFF, 60, "the machine to be off")
    lab3.boot(machine.name)
    assert greets(machine)


def test_root_of_a_machine_cannot_touch_this_computer(lab3: Lab, tmp_path: Path) -> None:
    # Harmless should it succeed: what is set is what is set already.
    attempt = (
        'date --set="$(date --rfc-3339=ns)" >/dev/null;'
        " pid_max=$(cat /proc/sys/kernel/pid_max); echo $pid_max >/proc/sys/kernel/pid_max"
    )

    inside = lab3.run("core-01", "sh", "-c", attempt, check=False).stderr.decode()
    over_ssh = ssh(lab3, lab3.machines[0], tmp_path, f"sudo sh -c '{attempt}'").stderr

    for stderr in (inside, over_ssh):
        assert "date: cannot set date: Operation not permitted" in stderr
        assert "cannot create /proc/sys/kernel/pid_max: Read-only file system" in stderr
    capabilities = said(lab3, "core-01", "cat", "/proc/1/status", "/proc/self/status")
    for bounding in re.findall(r"CapBnd:\s*(\w+)", capabilities):
        assert not int(bounding, 16) & (1 << SYS_TIME | 1 << SYS_MODULE | 1 << SYSLOG)


def test_the_output_and_the_exit_code_of_a_command_come_back(lab3: Lab) -> None:
    done = lab3.run("core-01", "sh", "-c", "cat; echo err >&2; exit 7", check=False, input=b"\xff")

    assert (done.stdout, done.stderr, done.returncode) == (b"\xff", b"err\n", 7)
    with pytest.raises(subprocess.CalledProcessError):
        lab3.run("core-01", "false")


def test_up_again_boots_and_heals_and_another_spec_is_refused(lab3: Lab) -> None:
    lab3.kill("core-01")
    lab3.partition("core-02")
    lab3.freeze("core-03")
    spec = lab3.state.spec

    again = Lab.up(spec, lambda _line: None)

    assert set(again.status().values()) == {Condition.RUNNING}
    assert again.machines == lab3.machines == Lab.find(lab3.name).machines
    other = LabSpec(name=spec.name, count=4, suites=spec.suites, inventory=spec.inventory)
    with pytest.raises(UsageError, match="with other machines") as caught:
        Lab.up(other, lambda _line: None)
    assert f"sshfleet lab down --name {lab3.name}" in caught.value.hint


def test_a_machine_that_does_not_exist_is_a_clear_error(lab3: Lab) -> None:
    with pytest.raises(UsageError, match="has no machine core-09"):
        lab3.kill("core-09")
    with pytest.raises(UsageError, match="there is no lab nobody"):
        Lab.find("nobody")


def test_what_needs_a_running_machine_says_so(lab3: Lab) -> None:
    lab3.kill("core-01")

    with pytest.raises(UsageError, match="core-01 is off") as caught:
        lab3.partition("core-01")

    assert caught.value.hint == f"sshfleet lab boot core-01 --name {lab3.name}"


def test_a_machine_loses_packets_in_one_direction_by_its_own_iptables(lab3: Lab) -> None:
    machine = lab3.machines[0]
    rule = ("OUTPUT", "-p", "tcp", "--sport", "22", "-j", "DROP")

    lab3.run(machine.name, "iptables", "-A", *rule)

    assert not connects(machine)
    lab3.run(machine.name, "iptables", "-D", *rule)
    assert greets(machine)


def test_an_agent_that_died_is_started_again_by_up(lab3: Lab, tmp_path: Path) -> None:
    cgroup.kill(cgroup.folder(lab3.name) / "agent")
    assert ssh(lab3, lab3.machines[0], tmp_path, "true").returncode == 255

    Lab.up(lab3.state.spec, lambda _line: None)

    assert ssh(lab3, lab3.machines[0], tmp_path, "true").returncode == 0


def test_a_machine_that_cannot_boot_says_why_at_once(lab3: Lab) -> None:
    lab3.kill("core-01")
    rootless = replace(lab3.state, roots={"bookworm": "roots/none"})

    with pytest.raises(SshfleetError, match="core-01 did not boot") as caught:
        Lab(rootless).boot("core-01")

    assert "mount" in caught.value.hint

"""`sshfleet ssh`: the user's own OpenSSH client, told what the inventory says.

OpenSSH is the best terminal there is (resizing, escapes, -A); only what sshfleet decides is passed:
where, as whom, and which host key is right. Passwords are never asked for.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from sshfleet.cli.context import Context
from sshfleet.cli.machine_names import machines_called
from sshfleet.contact import placed_on
from sshfleet.errors import ADD_KEY, START_AGENT, NoUsableKey, SshfleetError
from sshfleet.model.machine import Machine
from sshfleet.model.unit import UnitName, mangled

PINNED = "sshfleet-pinned"


def destination(context: Context, machine: str, unit: str, either: str) -> Machine:
    """Find the machine meant: by name or ID prefix, or as the one a unit is placed on."""
    named = _by_name(context, machine or either) if machine or either else []
    placed = _by_unit(context, unit or either) if unit or either else []
    if len(named) > 1 and placed:
        named = []  # as in fleetctl: a prefix of several IDs is no machine
    if named and placed and named != placed:
        raise SshfleetError(
            f"ambiguous argument: '{either}' is a machine and a unit",
            hint="use --machine or --unit",
        )
    matches = named or placed
    if len(matches) > 1:
        names = ", ".join(match.name for match in matches)
        raise SshfleetError(
            f"'{machine or unit or either}' is on several machines: {names}"
            if placed
            else f"'{machine or either}' fits several machines: {names}",
            hint=f"choose one: sshfleet ssh --machine {matches[0].name}",
        )
    if not matches:
        what = "machine" if machine else "placed unit" if unit else "machine or placed unit"
        raise SshfleetError(f"could not find a {what} '{machine or unit or either}'")
    return matches[0]


def _by_name(context: Context, said: str) -> list[Machine]:
    exact = context.fleet.machine(said)  # which needs no journal
    return [exact] if exact else machines_called(context.fleet, context.read_state(), said)


def _by_unit(context: Context, said: str) -> list[Machine]:
    return placed_on(context.fleet, context.read_state(), UnitName(mangled(said)))


def open_shell(
    context: Context, machine: Machine, command: list[str], *, forward_agent: bool
) -> int:
    """Run ssh in the foreground; return its exit code: the command's, or 255 when SSH failed."""
    _check_agent()
    with tempfile.TemporaryDirectory(prefix="sshfleet-ssh-") as folder:
        words = argv(context, machine, Path(folder), forward_agent=forward_agent)
        sys.stdout.flush()
        try:
            process = subprocess.Popen([*words, "--", machine.address, *command])
        except FileNotFoundError:
            raise SshfleetError(
                "there is no ssh on this computer", hint="apt install openssh-client"
            ) from None
        # Ctrl-C belongs to the remote side: ssh gets it from the terminal itself.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
        finally:
            signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def _check_agent() -> None:
    """Raise NoUsableKey where ssh would only say that permission is denied; ssh-add(1)."""
    where = os.environ.get("SSH_AUTH_SOCK", "")
    if not where:
        raise NoUsableKey("no ssh-agent: SSH_AUTH_SOCK is not set", hint=START_AGENT)
    try:
        done = subprocess.run(["ssh-add", "-l"], capture_output=True, timeout=3, check=False)
    except FileNotFoundError:
        return
    except subprocess.TimeoutExpired:
        raise NoUsableKey(f"the ssh-agent at {where} does not answer", hint=START_AGENT) from None
    if done.returncode == 1:
        raise NoUsableKey("the ssh-agent holds no key", hint=ADD_KEY)
    if done.returncode:
        raise NoUsableKey(f"no ssh-agent at {where}", hint=START_AGENT)


def argv(context: Context, machine: Machine, folder: Path, *, forward_agent: bool) -> list[str]:
    """Make the ssh command line; `folder` is private and outlives the connection."""
    said = context.settings
    options = ["PasswordAuthentication=no", "KbdInteractiveAuthentication=no"]
    options.append(f"ConnectTimeout={max(1, round(said.ssh_timeout))}")
    if machine.host_key:
        options += _pinned(machine, folder)
    else:
        if said.known_hosts_file:
            options.append(f"UserKnownHostsFile={said.known_hosts_file}")
        if said.strict:
            options.append(f"StrictHostKeyChecking={said.strict}")
    words = ["ssh", *(word for option in options for word in ("-o", option))]
    for flag, value in (
        ("-F", said.ssh_config),
        ("-l", said.ssh_username or machine.user),
        ("-p", str(machine.port or "")),
        ("-J", machine.proxy_jump),
    ):
        words += [flag, value] if value else []
    return [*words, "-A"] if forward_agent else words


def _pinned(machine: Machine, folder: Path) -> list[str]:
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"{PINNED} {machine.host_key}\n", encoding="ascii")
    return [
        f"HostKeyAlias={PINNED}",
        f"UserKnownHostsFile={known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
    ]

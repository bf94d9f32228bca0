"""A way into a machine that needs no network.

Rule 1: pid 1 of the machine is looked up in its cgroup each time, never remembered.
"""

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from sshfleet.errors import SshfleetError
from sshfleet.lab import cgroup
from sshfleet.lab.body import Body, Condition

# Clock, kernel modules, kernel log and audit are this computer's: not even root in a machine may
# touch them (capabilities(7), setpriv(1)).
CAPABILITIES = ",".join(
    f"-{name}"
    for name in (
        *("sys_time", "sys_module", "sys_rawio", "syslog", "wake_alarm"),
        *("audit_control", "audit_read", "mac_admin", "mac_override"),
    )
)
WAKE = 1.0  # seconds between two looks after a command that takes long
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def execute(
    body: Body, argv: tuple[str, ...], *, check: bool = True, input: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as root inside the machine. CalledProcessError when checked and it fails."""
    inside = (
        *("nsenter", "--target", str(_pid_one(body)), "--mount", "--uts", "--ipc", "--net"),
        *("--pid", "--cgroup", "--", "env", "-i", f"PATH={PATH}", "HOME=/root", "LC_ALL=C.UTF-8"),
        *("setpriv", "--bounding-set", CAPABILITIES, "--"),
    )
    # In the machine's own branch of the cgroups, a power cut ends this process too.
    join = ("sh", "-c", 'echo 0 >"$1" && shift && exec "$@"', "sh")
    done = _waited_for((*join, str(body.cgroup / "launcher/cgroup.procs"), *inside, *argv), input)
    if check:
        done.check_returncode()
    return done


def _waited_for(argv: tuple[str, ...], input: bytes | None) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, waking it up whenever it was stopped.

    A machine that shuts down stops all its processes for a moment before it ends them. nsenter then
    stops itself like its child (nsenter(1)), and outside the machine nobody would continue it.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        waited: bytes | None = input or b""
        while True:
            try:
                out, err = process.communicate(waited, timeout=WAKE)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGCONT)
                waited = None
            else:
                return subprocess.CompletedProcess(argv, process.returncode, out, err)


def _pid_one(body: Body) -> int:
    if body.condition is Condition.OFF or cgroup.is_frozen(body.cgroup):
        raise SshfleetError(
            f"{body.machine.name} is {body.condition}, nothing runs in it",
            hint=f"sshfleet lab boot {body.machine.name} --name {body.lab}",
        )
    # While it boots systemd is in the root of the branch, later in init.scope.
    for part in ("machine/init.scope", "machine"):
        with suppress(OSError):
            for pid in (body.cgroup / part / "cgroup.procs").read_text().split():
                if _is_pid_one(pid):
                    return int(pid)
    raise SshfleetError(f"{body.machine.name} has no pid 1 yet", hint=f"see {body.console}")


def _is_pid_one(pid: str) -> bool:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-1] == "1"
    return False

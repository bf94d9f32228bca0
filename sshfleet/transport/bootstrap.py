"""How a script starts on a machine, whatever the login shell is (sh, bash, zsh, fish, csh).

The command is constant but for integers; script and data follow on standard input. `dd` with
fullblock takes exactly the script off a pipe and not one byte of the data (`head -c` of busybox
reads ahead, and so does `sh -s` of dash).

Rule 1: a script that was cut short by a lost connection is not run at all.
Rule 2: the script has started if, and only if, STARTED came on standard error.
Rule 3: what runs ends by itself: `timeout -k` ends a run, end of input ends a stream.
"""

import math

from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import TransportError
from sshfleet.transport.wording import one_line

STARTED = b"sshfleet: started\n"
KILL_AFTER = 5
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"

_TAKE_SCRIPT = (
    "echo sshfleet: started >&2; "
    "s=$(dd bs=$1 count=1 iflag=fullblock 2>/dev/null); "
    "[ ${#s} -eq $1 ] || exit 125; "
)
_RUN = _TAKE_SCRIPT + 'shift; eval "$s"'
# The watcher ends the whole process group, which `timeout` made, once our end of the input closes.
_STREAM = (
    _TAKE_SCRIPT + "d=; "
    "[ $2 -eq 0 ] || d=$(dd bs=$2 count=1 iflag=fullblock 2>/dev/null; echo .); "
    "exec 3<&0; "
    '(trap "" TERM; cat <&3; kill -0 $$ || exit; kill -TERM 0; sleep 5; kill -KILL 0) '
    ">/dev/null 2>&1 & "
    'shift 2; printf %s "${d%.}" | (exec 3<&-; eval "$s")'
)


def run_command(run: Run, *, sudo: bool) -> tuple[str, bytes]:
    """Return the command line and the standard input of a run."""
    script = _script(run)
    seconds = max(1, math.ceil(run.seconds))
    words = f"timeout -k {KILL_AFTER} {seconds} /bin/sh -c '{_RUN}' sshfleet {len(script)}"
    return _as_root(words, sudo=sudo), script + run.data


def stream_command(run: Run, *, sudo: bool) -> tuple[str, bytes]:
    """Return the command line of a stream and how its standard input begins.

    The data of a stream goes through a variable of the shell: it must not contain NUL.
    """
    script = _script(run)
    if b"\0" in run.data:
        raise TransportError(Trouble.FAULT_HERE, "the data of a stream must not contain NUL")
    words = f"timeout 0 /bin/sh -c '{_STREAM}' sshfleet {len(script)} {len(run.data)}"
    return _as_root(words, sudo=sudo), script + run.data


def _script(run: Run) -> bytes:
    """Return the script as the shell will count it: `$(…)` drops newlines at the end."""
    script = run.script.rstrip("\n").encode()
    if not script or b"\0" in script:
        raise TransportError(Trouble.FAULT_HERE, "a script must not be empty or contain NUL")
    return script


def _as_root(words: str, *, sudo: bool) -> str:
    become = "sudo -n -- " if sudo else ""
    return f"/usr/bin/env LC_ALL=C PATH={PATH} {become}{words}"


def started(completed: Completed, machine: str, user: str) -> Completed:
    """Take our mark off standard error; raise TransportError where the script never started."""
    before, mark, after = completed.stderr.partition(STARTED)
    if mark:
        return Completed(status=completed.status, stdout=completed.stdout, stderr=before + after)
    if completed.status is None:
        return completed
    raise _never_started(completed, machine, user)


def _never_started(completed: Completed, machine: str, user: str) -> TransportError:
    said = completed.stderr.decode("utf-8", "backslashreplace")
    why = one_line(completed.stderr) or one_line(completed.stdout) or f"status {completed.status}"
    sudo = [one_line(line) for line in said.splitlines() if line.startswith("sudo: ")]
    hint = f"in /etc/sudoers.d/sshfleet there: {user} ALL=(root) NOPASSWD: ALL"
    if any("is required" in line for line in sudo):
        message = f"sudo needs a password for {user} on {machine}"
    elif sudo or "not in the sudoers" in said:
        message = f"sudo refuses {user} on {machine}: {sudo[-1] if sudo else why}"
    else:
        message = f"{machine} runs no commands for {user}: {why}"
        hint = f"try: ssh {user}@{machine} true; its login shell or a ForceCommand refuses"
    return TransportError(Trouble.UNMANAGEABLE, message, hint=hint)

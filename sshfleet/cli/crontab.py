"""One marked line in the user's crontab; all others stay as they are, byte for byte.

Rule 1: a crontab that could not be read is never written: only "no crontab" means an empty one.
Rule 2: cron ends a command at a bare %, and tells in its own way what a backslash before it means
(crontab(5)); so no backslash ever stands before one, nor before another backslash.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence

from sshfleet.errors import SshfleetError, UsageError

_NONE = (b"no crontab for", b": No such file or directory")  # Vixie's and cronie's, and BusyBox's
MINUTE, HOUR, DAY = 60, 3600, 86400


def line_for(name: str, words: Sequence[str], agent: str, every: int) -> bytes:
    """Return the line, its end included; raise UsageError for what no crontab can hold."""
    command = " ".join([f"SSH_AUTH_SOCK={quoted(agent)}", *map(quoted, words)])
    return os.fsencode(f"{schedule(every)} {command} ") + mark(name) + b"\n"


def mark(name: str) -> bytes:
    """Return how the line of a fleet ends."""
    return f"# sshfleet install-timer {name}".encode()


def quoted(word: str) -> str:
    """Return a word as the shell reads it after cron has; raise UsageError."""
    if any(one < " " or one == "\x7f" for one in word):
        raise UsageError(
            f"a crontab cannot hold {word!r}",
            hint="rename it, or use a systemd timer: leave out --cron",
        )
    escapes = {"'": r"'\''", "\\": r"\''", "%": r"\%"}
    return "'" + "".join(escapes.get(one, one) for one in word) + "'"


def schedule(every: int) -> str:
    """Return the first five fields; raise UsageError for what they cannot say."""
    if every % MINUTE == 0 and HOUR % every == 0 and every < HOUR:
        return "* * * * *" if every == MINUTE else f"*/{every // MINUTE} * * * *"
    if every % HOUR == 0 and DAY % every == 0:
        hours = {HOUR: "*", DAY: "0"}.get(every, f"*/{every // HOUR}")
        return f"0 {hours} * * *"
    raise UsageError(
        f"a crontab cannot say each {every} s",
        hint="take minutes that divide an hour or hours that divide a day: --every 1m, 5m, 1h",
    )


def edited(crontab: bytes, name: str, line: bytes) -> bytes:
    """Return a crontab with this line in place of the one of the fleet; nothing removes it."""
    lines = crontab.splitlines(keepends=True)
    ours = [one for one in lines if _is_of(one, name)]
    if line and ours == [line]:
        return crontab
    kept = b"".join(one for one in lines if one not in ours)
    if line and kept and not kept.endswith(b"\n"):
        kept += b"\n"
    return kept + line


def _is_of(line: bytes, name: str) -> bool:
    return line.rstrip(b"\r\n").endswith(b" " + mark(name)) and not line.lstrip().startswith(b"#")


def is_there() -> bool:
    """Tell whether this computer has crontabs."""
    return shutil.which("crontab") is not None


def read() -> bytes:
    """Return the user's crontab, empty when there is none; raise SshfleetError."""
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    if any(words in done.stderr for words in _NONE):
        return b""
    raise _failed("read", done)


def write(crontab: bytes) -> None:
    """Replace the user's crontab, or remove it when nothing is left; raise SshfleetError."""
    done = _crontab("-", given=crontab) if crontab.strip() else _crontab("-r")
    if done.returncode != 0:
        raise _failed("change", done)


def _crontab(word: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["crontab", word],
        input=given,
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )


def _failed(verb: str, done: "subprocess.CompletedProcess[bytes]") -> SshfleetError:
    said = done.stderr.decode(errors="replace").strip().replace("\n", "; ")
    return SshfleetError(
        f"cannot {verb} the crontab: {said or f'crontab ended with {done.returncode}'}",
        hint="try by hand: crontab -l",
    )

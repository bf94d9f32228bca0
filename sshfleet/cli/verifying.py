"""`sshfleet verify`: our own checks are errors; systemd's opinion on this computer is a warning,
for what it misses (programs, units) may well be on the machines."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from sshfleet.cli.context import Context
from sshfleet.cli.disk import unit_in
from sshfleet.cli.errors import tell
from sshfleet.errors import SshfleetError
from sshfleet.model.unit import checked_name

SECONDS = 30


def verify_files(context: Context, files: Iterable[Path]) -> int:
    """Check each file; tell all that is wrong; return the worst exit code."""
    codes = []
    for path in files:
        try:
            unit_in(path, checked_name(path.name))
        except SshfleetError as error:
            codes.append(tell(error))
            continue
        for line in _systemd_says(path):
            context.note(f"warning: {line}")
        context.out(f"{path.name}: ok\n")
        codes.append(0)
    return max(codes, default=0)


def _systemd_says(path: Path) -> list[str]:
    """Ask `systemd-analyze verify` where it exists; its exit code tells little (systemd#11651)."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return []
    try:
        done = subprocess.run(
            [program, "verify", "--man=no", str(path.resolve())],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = done.stderr.decode("utf-8", "backslashreplace").splitlines()
    return [line.strip() for line in lines if line.strip()]

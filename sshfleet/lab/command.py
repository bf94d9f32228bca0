"""Run one of this computer's commands to its end, silently, and make its failure one clear line.

Rule 1: a command may outlive us when we are killed, and goes on making things. It therefore keeps
        the lock of the lab, which is inherited, and who removes the lab waits for it.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from sshfleet.errors import SshfleetError


def run(
    *argv: str,
    input: bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] = {},
    daemon: bool = False,
) -> str:
    """Return stdout; raise SshfleetError with the last line of stderr when it fails.

    `env` is added to the environment. A `daemon` stays behind, and must not keep the lock.
    """
    import os

    done = subprocess.run(
        argv,
        input=b"" if input is None else input,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **env},
        check=False,
        close_fds=daemon,
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        why = said[-1] if said else f"exit code {done.returncode}"
        raise SshfleetError(f"{' '.join(argv[:3])} failed: {why}")
    return done.stdout.decode("utf-8", "backslashreplace")

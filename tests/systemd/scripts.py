"""Run the scripts of systemd/ against stand-ins for the programs they call."""

import subprocess
from pathlib import Path

from sshfleet.model.step import Run


def ran(run: Run, tmp_path: Path, program: str, exit_code: int = 0) -> tuple[list[str], int]:
    """Run a script with a stand-in for its program; return the arguments that one got."""
    stand_in = tmp_path / program
    stand_in.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@"\nexit {exit_code}\n')
    stand_in.chmod(0o755)
    script = f"PATH={tmp_path}:$PATH\n{run.script}"
    done = subprocess.run(["sh", "-uc", script], input=run.data, capture_output=True, check=False)
    return done.stdout.decode().splitlines(), done.returncode

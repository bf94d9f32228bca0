"""Cron, played: a crontab that begins empty, and whose line is run whenever a test says so."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cli.test_crontab import cron_reads
from tests.cli.test_timer import CRONTAB
from tests.lab.user import LONGEST, User


@dataclass(frozen=True, slots=True)
class Cron:
    """What cron makes of the one line in the crontab of a user."""

    command: str
    home: Path

    def minute(self) -> tuple[int, str, str]:
        """Run the line as cron does; return exit code and what it would send by mail."""
        ended = subprocess.run(
            ["/bin/sh", "-c", self.command],
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        return ended.returncode, ended.stdout, ended.stderr


def from_an_empty_crontab(user: User) -> Cron:
    """Let a user install the timer where there is nothing but an empty crontab."""
    user.writes("bin/crontab", CRONTAB)
    (user.folder / "bin/crontab").chmod(0o755)
    fakes = user.folder / "fakes"
    fakes.mkdir()
    path = f"{user.folder}/bin:{os.environ['PATH']}"
    done = user.runs("install-timer", "--cron", "--yes", PATH=path, FAKES=str(fakes))
    assert done.code == 0, done
    (line,) = (fakes / "crontab").read_text().splitlines()
    command = cron_reads(line.removeprefix("* * * * * "), halves=False)
    return Cron(command, Path(user.variables["HOME"]))

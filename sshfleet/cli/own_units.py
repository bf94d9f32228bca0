"""The systemd units of `install-timer` on this computer: looked at, shown, written, removed.

Rule 1: a file that we did not write is left alone.
"""

import os
import shutil
import subprocess
from pathlib import Path

from sshfleet.cli.change import Change
from sshfleet.cli.metrics import replace_file
from sshfleet.errors import SshfleetError
from sshfleet.systemd.timer import MARK, Job, service_text, timer_text

BOOTED = Path("/run/systemd/system")  # sd_booted(3)


class Manager:
    """The systemd of this computer or, with `user`, that of the user."""

    def __init__(self, *, user: bool) -> None:
        self._words = ("systemctl", "--user") if user else ("systemctl",)
        self.folder = _user_folder() if user else Path("/etc/systemd/system")

    def runs(self) -> bool:
        """Tell whether it answers."""
        if shutil.which("systemctl") is None or not (BOOTED.is_dir() or len(self._words) > 1):
            return False
        return self._ask("show", "--property=Version") == 0

    def installation(self, job: Job) -> Change | None:
        """Return what is still to be done for a job; raise SshfleetError."""
        texts = {
            self.folder / f"{job.unit}.service": service_text(job),
            self.folder / f"{job.unit}.timer": timer_text(job),
        }
        stale = {path: text for path, text in texts.items() if _own_text(path) != text}
        timer = f"{job.unit}.timer"
        started = self._ask("is-active", timer) == 0 and self._ask("is-enabled", timer) == 0
        if not stale and started:
            return None
        steps = [("daemon-reload",), ("enable", timer), ("restart", timer)]

        def make() -> None:
            for path, text in stale.items():
                _write(path, text)
            for step in steps:
                self._do(*step)

        shown = [f"{path}:\n{_indented(text)}" for path, text in stale.items()]
        return Change("".join([*shown, *map(self._shown, steps)]), make)

    def removal(self, unit: str) -> Change | None:
        """Return what takes the units of that name away; nothing when there are none."""
        paths = [self.folder / f"{unit}{kind}" for kind in (".timer", ".service")]
        there = [path for path in paths if _own_text(path)]
        if not there:
            return None
        link = self.folder / "timers.target.wants" / f"{unit}.timer"  # what `enable` made
        running = self.runs()
        steps: list[tuple[str, ...]] = [("disable", "--now", f"{unit}.timer")] if running else []
        ends: list[tuple[str, ...]] = [("daemon-reload",)] if running else []

        def make() -> None:
            for step in steps:
                self._do(*step)
            for path in (link, *there):
                _remove(path)
            for step in ends:
                self._do(*step)

        removed = [f"remove {path}\n" for path in there]
        return Change("".join([*map(self._shown, steps), *removed, *map(self._shown, ends)]), make)

    def _shown(self, step: tuple[str, ...]) -> str:
        return " ".join([*self._words, *step]) + "\n"

    def _ask(self, *words: str) -> int:
        done = subprocess.run([*self._words, *words], capture_output=True, check=False)
        return done.returncode

    def _do(self, *words: str) -> None:
        done = subprocess.run([*self._words, *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip().replace("\n", "; ")
            raise SshfleetError(
                f"{' '.join([*self._words, *words])} failed: {said or done.returncode}",
                hint="mend that, then run the same command once more",
            )


def _user_folder() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(config) if config.startswith("/") else Path.home() / ".config"
    return home / "systemd" / "user"


def _own_text(path: Path) -> str:
    """Return the text of a file that we wrote, nothing when there is none; raise SshfleetError."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as problem:
        raise SshfleetError(f"cannot read it: {problem.strerror}", place=str(path)) from None
    if not text.startswith(MARK):
        raise SshfleetError(
            "is there and was not written by sshfleet install-timer",
            place=str(path),
            hint="move it away, then run the same command once more",
        )
    return text


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as problem:
        raise SshfleetError(
            f"cannot write it: {problem.strerror}",
            place=str(path),
            hint="as root, or without --system for a timer of your own",
        ) from None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise SshfleetError(f"cannot remove it: {problem.strerror}", place=str(path)) from None


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
NO_ROOT = "import os\nos.geteuid = lambda: 1000\n"


def collect_without_root(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "no_root.py").write_text(NO_ROOT)
    argv = ["-m", "pytest", "-p", "no_root", "--collect-only", "-q", "tests/lab", "tests/model"]
    return subprocess.run(
        [sys.executable, *argv],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(folder), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_root_one_line_says_what_is_left_out(tmp_path: Path) -> None:
    done = collect_without_root(tmp_path, ci="")

    assert done.returncode == 0
    assert "tests/lab" not in done.stdout.replace("pytest tests/lab", "")
    assert "tests/model" in done.stdout
    assert done.stdout.count("lab tests need root: sudo .venv/bin/pytest tests/lab") == 1


def test_without_root_ci_fails(tmp_path: Path) -> None:
    done = collect_without_root(tmp_path, ci="true")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "lab tests need root" in done.stderr

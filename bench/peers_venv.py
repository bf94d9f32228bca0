"""The peers' own environment: pinned versions, made once, made anew when the pins change."""

import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
VENV = PROJECT / ".bench-venv"
PINS = Path(__file__).with_name("requirements.txt")


def site_packages() -> Path:
    """Return the folder of the peers' packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return VENV / "lib" / version / "site-packages"


def ensure() -> None:
    """Make the environment unless it is there with these pins; CalledProcessError if it cannot."""
    stamp, pins = VENV / ".complete", PINS.read_text()
    if stamp.exists() and stamp.read_text() == pins:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = (VENV / "bin/python", "-m", "pip", "--disable-pip-version-check", "-q")
    subprocess.run([*pip, "install", "-r", PINS], check=True, capture_output=True)
    stamp.write_text(pins)

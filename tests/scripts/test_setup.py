"""scripts/setup.sh on small checkouts, without network: what is kept, what is built anew.

That it fills a .venv from nothing is what `make test` itself does before any of this runs. Here
a Python is used whose venvs have no pip, for speed: each test ends before packages are installed.
"""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Done = subprocess.CompletedProcess[str]


def setup(checkout: Path, **env: str) -> Done:
    return subprocess.run(
        [str(checkout / "scripts" / "setup.sh")],
        cwd="/",
        env={**os.environ, "PYTHON": str(checkout / "quick-python"), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "uv.lock", "scripts/setup.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "sshfleet" / "lab").mkdir(parents=True)
    needs = tmp_path / "sshfleet" / "lab" / "needs.py"
    needs.write_text("def missing():\n    return []\n", encoding="utf-8")
    quick = f"""#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"
exec {sys.executable} -m venv --without-pip "$3"
"""
    (tmp_path / "quick-python").write_text(quick, encoding="utf-8")
    (tmp_path / "quick-python").chmod(0o755)
    return tmp_path


def pretend_complete(checkout: Path) -> Path:
    """Make a .venv as setup.sh would, with an empty pip for all packages; say it was finished."""
    venv = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "pip.py").touch()
    parts = ("pyproject.toml", "uv.lock", "scripts/setup.sh")
    digest = hashlib.sha256(b"".join((checkout / part).read_bytes() for part in parts)).hexdigest()
    (venv / ".complete").write_text(f"{checkout}\n{digest}  -\n", encoding="utf-8")
    (venv / "kept").touch()
    return venv


def cpu_seconds_of_children() -> float:
    """Unlike the clock on the wall this does not run faster while the machine is busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_nothing_to_do_is_silent_and_takes_less_than_a_second(checkout: Path) -> None:
    venv = pretend_complete(checkout)
    before = cpu_seconds_of_children()
    done = setup(checkout)
    assert cpu_seconds_of_children() - before < 1
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (venv / "kept").exists()


def test_a_changed_pyproject_updates_the_venv_in_place(checkout: Path) -> None:
    venv = pretend_complete(checkout)
    with (checkout / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert "setup: pyproject.toml, uv.lock or this script changed" in setup(checkout).stderr
    assert setup(checkout).stderr == ""
    assert (venv / "kept").exists()


def test_a_venv_that_could_not_be_filled_is_not_called_complete(checkout: Path) -> None:
    venv = pretend_complete(checkout)
    (pip,) = venv.glob("lib/python*/site-packages/pip.py")
    pip.write_text("if __name__ == '__main__': raise SystemExit('no network')", encoding="utf-8")
    (checkout / "uv.lock").write_text("changed", encoding="utf-8")
    done = setup(checkout)
    assert (done.returncode, (venv / ".complete").exists()) == (1, False)
    assert "no network\nsetup: could not upgrade pip" in done.stderr
    assert "hint: is the package index reachable?" in done.stderr


def test_a_half_made_venv_is_built_anew(checkout: Path) -> None:
    venv = pretend_complete(checkout)
    (venv / ".complete").unlink()
    done = setup(checkout)
    assert "half made or from elsewhere: building it anew" in done.stderr
    assert not (venv / "kept").exists()


def test_a_venv_whose_checkout_was_moved_is_built_anew(checkout: Path, tmp_path: Path) -> None:
    pretend_complete(checkout)
    moved = tmp_path.with_name(f"{tmp_path.name}-moved")
    checkout.rename(moved)
    done = setup(moved)
    assert "half made or from elsewhere: building it anew" in done.stderr
    assert not (moved / ".venv" / "kept").exists()


def test_a_venv_whose_python_went_away_is_built_anew(checkout: Path) -> None:
    venv = pretend_complete(checkout)
    for python in (venv / "bin").glob("python*"):
        python.unlink()
    assert "building it anew" in setup(checkout).stderr
    assert not (venv / "kept").exists()


@pytest.mark.parametrize("python", ["/nowhere/python3", "/usr/bin/false", "/bin/true"])
def test_a_python_that_cannot_make_a_venv_is_named(checkout: Path, python: str) -> None:
    old = checkout / "python3"  # `true` believes it is new enough, but makes nothing
    old.symlink_to(python)
    done = setup(checkout, PYTHON=str(old))
    assert done.returncode == 1
    assert str(old) in done.stderr
    assert not (checkout / ".venv" / ".complete").exists()


def test_a_table_of_needs_that_cannot_be_read_stops_it(checkout: Path) -> None:
    pretend_complete(checkout)
    (checkout / "sshfleet" / "lab" / "needs.py").write_text("nonsense", encoding="utf-8")
    done = setup(checkout)
    assert done.returncode == 1
    assert "could not read what the lab needs" in done.stderr


def test_a_missing_package_stops_ci_and_is_told_elsewhere(checkout: Path) -> None:
    pretend_complete(checkout)
    needs = checkout / "sshfleet" / "lab" / "needs.py"
    needs.write_text("def missing():\n    return ['no-such-package']\n", encoding="utf-8")
    no_apt = checkout / "bin"
    no_apt.mkdir()
    for tool in ("bash", "cat", "dirname", "env", "flock", "head", "id", "sha256sum", "sort", "tr"):
        (no_apt / tool).symlink_to(shutil.which(tool) or "")
    in_ci = setup(checkout, PATH=str(no_apt), CI="true")
    assert in_ci.returncode == 1
    assert "missing in CI" in in_ci.stderr
    at_home = setup(checkout, PATH=str(no_apt), CI="")
    assert at_home.returncode == 0
    assert (
        "going on without Debian packages that some tests need: no-such-package" in at_home.stderr
    )

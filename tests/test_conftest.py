"""The guards of conftest.py hold."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
HOME_WHEN_IMPORTED = os.environ["HOME"]
QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
# What a developer's shell looks like to a test run started from it.
DEVELOPER = {
    "HOME": "/home/developer",
    "XDG_STATE_HOME": "/home/developer/.local/state",
    "XDG_RUNTIME_DIR": "/run/user/1000",
    "SSH_AUTH_SOCK": "/run/user/1000/agent",
    "SSHFLEET_INVENTORY": "/home/developer/production.yaml",
}


def run_pytest(folder: Path, test: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_planted.py").write_text(test, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "."],
        cwd=folder,
        env={**DEVELOPER, "PATH": os.environ["PATH"], "CI": ci, **QUICK},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_path_of_the_developer_is_redirected_into_the_private_home(home: Path) -> None:
    assert Path.home() == home
    for name in DEVELOPER.keys() - {"SSHFLEET_INVENTORY"}:
        assert Path(os.environ[name]).is_relative_to(home)
    assert list(home.iterdir()) == [home / "run"]


def test_modules_are_already_redirected_when_imported(home: Path) -> None:
    assert HOME_WHEN_IMPORTED.endswith("/session")
    assert Path(HOME_WHEN_IMPORTED).parent == home.parent


def test_a_socket_fits_below_the_private_home(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / ".ssh-agent-with-a-name-of-forty-characters"))


def test_nothing_of_the_developers_shell_reaches_a_test(tmp_path: Path) -> None:
    seen = "import os\nAT_IMPORT = dict(os.environ)\n"
    check = "assert 'developer' not in str(env) and '/run/user' not in str(env), env"
    test = f"{seen}def test_it():\n    for env in (AT_IMPORT, dict(os.environ)):\n        {check}\n"
    done = run_pytest(tmp_path, test, ci="")
    assert done.returncode == 0, done.stdout


SKIPPED = "import pytest\n@pytest.mark.skip(reason='no root')\ndef test_it(): pass\n"
SKIPS_ITSELF = "import pytest\ndef test_it(): pytest.skip('no root')\n"
SKIPPED_MODULE = "import pytest\npytest.skip('no root', allow_module_level=True)\n"
SKIPPED_FIXTURE = (
    "import pytest\n@pytest.fixture\ndef lab(): pytest.skip('no root')\ndef test_it(lab): pass\n"
)


@pytest.mark.parametrize("test", [SKIPPED, SKIPS_ITSELF, SKIPPED_MODULE, SKIPPED_FIXTURE])
def test_a_skipped_test_fails_in_ci_and_only_there(tmp_path: Path, test: str) -> None:
    in_ci = run_pytest(tmp_path, test, ci="true")
    assert in_ci.returncode not in {0, 5}
    assert "skipped, which CI does not allow" in in_ci.stdout
    assert "no root" in in_ci.stdout
    at_home = run_pytest(tmp_path, test, ci="")
    assert at_home.returncode in {0, 5}


def test_an_expected_failure_stays_one_in_ci(tmp_path: Path) -> None:
    test = "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\n"
    assert run_pytest(tmp_path, test, ci="true").returncode == 0

"""Guards every test shares: the developer's own machine is out of reach, and CI skips nothing.

Rule 1: HOME, XDG_*, SSH_AUTH_SOCK and SSHFLEET_* point into a temp folder before any test module
is imported, and into a fresh one for each test. So no test reads or writes ~/.ssh, the real
journal or the real agent. `ssh` itself finds its home in /etc/passwd: give it `-F FILE`.
Rule 2: no example of a property has a time limit of its own: a busy machine is no fault of ours.
Rule 3: with CI=true a skipped test is a failed one. A test that cannot run there proves nothing.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# Short, because the path of a Unix socket below it must stay under 108 bytes.
SCRATCH = Path(tempfile.mkdtemp(prefix="sshfleet-"))

REDIRECTED = {
    "HOME": ".",
    "XDG_CONFIG_HOME": ".config",
    "XDG_STATE_HOME": ".local/state",
    "XDG_DATA_HOME": ".local/share",
    "XDG_CACHE_HOME": ".cache",
    "XDG_RUNTIME_DIR": "run",
    "SSH_AUTH_SOCK": "no-agent.socket",
}
# What the developer's shell may hold that would change what our commands do or print.
REMOVED = ("SSH_AGENT_PID", "SSH_ASKPASS", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "JOURNAL_STREAM")


def private_environment(home: Path) -> dict[str, str]:
    """Make an empty home below `home` and return the variables that lead every program there."""
    (home / "run").mkdir(parents=True, mode=0o700)
    return {name: str(home / below) for name, below in REDIRECTED.items()}


def removed_names() -> list[str]:
    """Name the variables no test may inherit."""
    ours = [name for name in os.environ if name.startswith("SSHFLEET_")]
    return [*REMOVED, *ours]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know the option that writes docs/faults.md."""
    words = "write how the tests of each fault ended (see tests/faults_page.py)"
    parser.addoption("--faults-table", type=Path, metavar="FILE", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Redirect the session, for code that looks at import time and for session fixtures."""
    path = config.getoption("--faults-table")
    if path and not hasattr(config, "workerinput"):  # of the processes of xdist only the first
        from tests.faults_page import FaultsPage

        config.pluginmanager.register(FaultsPage(path.absolute()))
    for name in removed_names():
        os.environ.pop(name, None)
    os.environ.update(private_environment(SCRATCH / "session"))
    # A run in the background of a script (`make test &`, nohup) ignores these, and so would all
    # that the tests start: a command that is to be interrupted would run for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(SCRATCH, ignore_errors=True)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test an empty home of its own."""
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    for name in removed_names():
        monkeypatch.delenv(name, raising=False)
    for name, value in private_environment(folder).items():
        monkeypatch.setenv(name, value)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where nothing may be skipped."""
    report = yield
    expected_to_fail = hasattr(report, "wasxfail")
    if report.skipped and not expected_to_fail and nothing_may_be_skipped():
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a module that skips itself as a whole."""
    report = yield
    if report.skipped and nothing_may_be_skipped():
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


def nothing_may_be_skipped() -> bool:
    """Tell whether this run stands for the whole project."""
    return os.environ.get("CI") == "true"

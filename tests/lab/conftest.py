"""Real machines for tests. Every test in this folder carries the marker `lab`.

Rule 1: without root these tests are deselected, and one line says so; in CI that is a failure.
Rule 2: the name of a lab of tests contains our pid. It is always taken down, and a later run takes
        down what a killed one left.
"""

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sshfleet.lab import remove
from sshfleet.lab.lab import Lab
from sshfleet.lab.spec import LabSpec
from tests.lab.host import Host
from tests.lab.labs import BootLab, lab_name, tell

BUILD_AND_BOOT = 900  # seconds: the first test of all may have to build the roots


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what is collected in this folder, before `-m` chooses."""
    item.add_marker(pytest.mark.lab)
    if item.get_closest_marker("timeout") is None:
        item.add_marker(pytest.mark.timeout(BUILD_AND_BOOT))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of the lab out when we are not root, never silently."""
    ours = [item for item in items if item.get_closest_marker("lab")]
    if os.geteuid() == 0 or not ours:
        return
    said = f"{len(ours)} lab tests need root: sudo .venv/bin/pytest tests/lab"
    if os.environ.get("CI"):
        raise pytest.UsageError(said)
    items[:] = [item for item in items if item not in ours]
    config.hook.pytest_deselected(items=ours)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"deselected: {said}")


@pytest.fixture(scope="session")
def boot_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootLab]:
    """Boot labs that are taken down at the end: boot_lab(count=2, suites=("trixie",), …)."""
    _take_down_orphans()
    numbers = itertools.count(1)
    with ExitStack() as labs:

        def boot(
            *,
            count: int = 3,
            suites: tuple[str, ...] = ("bookworm",),
            extras: tuple[str, ...] = (),
            user: str = "core",
            shared: Path | None = None,
        ) -> Lab:
            name = lab_name(next(numbers))
            inventory = tmp_path_factory.mktemp(name) / "inventory.yaml"
            labs.callback(remove.down, name)
            asked = LabSpec(
                name=name,
                count=count,
                suites=suites,
                extras=extras,
                user=user,
                inventory=inventory,
                shared=shared,
            )
            return Lab.up(asked, tell)

        yield boot


@pytest.fixture(scope="session")
def lab3(boot_lab: BootLab) -> Lab:
    """Three machines, bookworm and trixie; each test finds all of them running and reachable."""
    return boot_lab(count=3, suites=("bookworm", "trixie"))


@pytest.fixture(params=["core-01", "core-02"])
def host(request: pytest.FixtureRequest, lab3: Lab) -> Iterator[Host]:
    """A machine with systemd 252, then one with 257; what a test leaves of ours is its failure."""
    host = Host(lab3, request.param)
    yield host
    host.clear()
    assert host.residue() == []


@pytest.fixture(autouse=True)
def lab3_is_whole_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo what a test did to the machines of `lab3`; files it left there stay."""
    yield
    if "lab3" in request.fixturenames:
        lab: Lab = request.getfixturevalue("lab3")
        for machine in lab.machines:
            lab.boot(machine.name)


def _take_down_orphans() -> None:
    for name in remove.every_name():
        owner = re.fullmatch(r"pytest-(\d+)-.*", name)
        if owner and not _is_python(owner[1]):
            remove.down(name)


def _is_python(pid: str) -> bool:
    """Tell whether a process may be a run of tests; one of several does not say so by its name."""
    try:
        return "python" in Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return False

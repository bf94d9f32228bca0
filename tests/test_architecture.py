"""The package keeps the rules of tests/architecture.py, and the checker of those rules works."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture import MAX_FILE, MAX_FUNCTION, MAY_IMPORT, violations

ROOT = Path(__file__).parents[1]


def modules() -> dict[str, Path]:
    package = ROOT / "sshfleet"
    ours = {path.relative_to(package): path for path in package.rglob("*.py")}
    named = {".".join(below.with_suffix("").parts): path for below, path in ours.items()}
    tests = {str(path.relative_to(ROOT)): path for path in (ROOT / "tests").rglob("*.py")}
    return named | tests


MODULES = modules()


@pytest.mark.parametrize("module", MODULES)
def test_the_module_keeps_every_rule(module: str) -> None:
    assert violations(module, MODULES[module].read_text(encoding="utf-8")) == []


def test_imports_point_one_way() -> None:
    parts = {part: {one.partition(".")[0] for one in may} for part, may in MAY_IMPORT.items()}
    TopologicalSorter(parts).prepare()  # raises CycleError


PLANTED = [
    ("model.unit", "from sshfleet.plan import board"),
    ("errors", "from sshfleet.model.unit import UnitName"),
    ("plan.board", "import sshfleet.transport.base"),
    ("plan.board", "from sshfleet import transport"),
    ("plan.board", "from sshfleet.journal.store import Journal"),
    ("plan.board", "def f():\n    from sshfleet.systemd import show"),
    ("journal.store", "from sshfleet.plan.intent import decide"),
    ("transport.ssh", "if TYPE_CHECKING:\n    from sshfleet.systemd.show import parse"),
    ("observe", "from sshfleet.transport.ssh import connect"),
    ("observe", "from sshfleet.transport import ssh"),
    ("observe", "from sshfleet.transport import base, ssh"),
    ("apply", "from sshfleet.transport.baseless import x"),
    ("converge", "from sshfleet.inventory import load"),
    ("converge", "from sshfleet.systemd.show import parse"),
    ("converge", "from sshfleet.cli.app import run"),
    ("lab.machine", "from sshfleet.transport.base import Transport"),
    ("model.unit", "import sshfleet"),
    ("model.unit", "from sshfleet import *"),
    ("plan.board", "from .reconcile import x"),
    ("plan.board", "from . import reconcile"),
    ("helpers", "import re"),
    ("plugins.one", "x = 1"),
    ("cli.app", "import asyncssh"),
    ("cli.app", "from rich.console import Console"),
    ("lab.machine", "import yaml"),
    ("transport.ssh", "import msgspec"),
    ("render.tables", "import typer"),
    ("cli.app", "import requests"),
    ("journal.store", "async def append(): pass"),
    ("plan.board", "async def f(): pass"),
    *(("plan.board", f"import {name}") for name in ("asyncio", "os", "time", "random", "logging")),
    *(("systemd.show", f"import {name}") for name in ("subprocess", "socket", "os.path", "uuid")),
    ("unitfile.syntax", "from os import environ"),
    ("unitfile.syntax", "from pathlib import Path"),
    ("unitfile.syntax", "import pathlib\npathlib.Path('x')"),
    ("unitfile.syntax", "open('x')"),
    ("render.tables", "print('x')"),
    ("render.tables", "ask = input"),
    ("render.tables", "import sys\nsys.stdout.write('x')"),
    ("render.tables", "from sys import stdout"),
    ("model.event", "from datetime import datetime\nx = datetime.now()"),
    ("model.event", "import datetime\nx = datetime.date.today()"),
    ("model.event", "import importlib"),
    ("model.event", "__import__('os')"),
    ("model.event", "def f():\n" + "    x = 1\n" * MAX_FUNCTION),
    ("model.event", "x = 1\n" * (MAX_FILE + 1)),
    ("model.event", "x = '''\n" + "\n" * MAX_FILE + "'''"),
    ("tests/plan/test_x.py", "def test_it():\n" + "    assert 1\n" * MAX_FUNCTION),
]


@pytest.mark.parametrize(("module", "source"), PLANTED)
def test_a_planted_violation_is_caught(module: str, source: str) -> None:
    assert len(violations(module, source)) == 1


ALLOWED = [
    ("errors", "from enum import IntEnum"),
    ("cli.app", "import typer\nfrom sshfleet import __version__\nfrom sshfleet.lab import lab"),
    ("__main__", "from sshfleet.cli.app import run"),
    ("plan.board", "import re\nfrom sshfleet.plan.world import World\nfrom sshfleet import errors"),
    ("observe", "import asyncio\nfrom sshfleet.transport import base\nasync def f(): pass"),
    ("apply", "from sshfleet.transport.base import Transport"),
    ("unitfile.syntax", "from pathlib import PurePosixPath\nfrom hashlib import sha256"),
    ("plan.board", "import sys\nx = sys.maxsize"),
    ("journal.store", "import os\nfrom time import time\nopen('x')"),
    ("journal.store", "def f():\n    import msgspec"),
    ("model.event", "# print\n'''open()'''\ndef reopen(): 'input'"),
    ("model.event", "x = 1\n\n# why\n" * MAX_FILE),
    ("model.event", "def f():\n    '''\n" + "words\n" * MAX_FUNCTION + "    '''\n    return 1"),
    ("tests/plan/test_x.py", "import os, asyncssh\nprint(1)"),
]


@pytest.mark.parametrize(("module", "source"), ALLOWED)
def test_what_the_rules_allow_is_let_through(module: str, source: str) -> None:
    assert violations(module, source) == []


SLOW = {"asyncssh", "asyncio", "rich", "yaml", "msgspec", "pydantic", "cryptography"}


@pytest.mark.parametrize(("option", "banned"), [("--version", SLOW | {"typer"}), ("--help", SLOW)])
def test_starting_imports_nothing_slow(option: str, banned: set[str]) -> None:
    argv = [sys.executable, "-X", "importtime", "-m", "sshfleet", option]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout
    report = done.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in report if line.count("|") == 2}
    assert "sshfleet" in imported
    assert imported & banned == set()

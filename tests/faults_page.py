"""docs/faults.md: which test shows which row of `fault_rows`, and how it ended.

`make faults` runs these tests as root and writes the page; for a few of them:
`pytest -m row tests/lab/test_x.py --faults-table docs/faults.md`.
Rule 1: a result is that of the last run with --faults-table that had the test in it; what did not
        run keeps its result on the page, and has none when it never ran.
Rule 2: who shows what is read from the source, so that no root and no lab is needed to compare.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fault_rows import FAILOVER, MACHINE, NETWORK, SCALE, Row

TESTS = Path(__file__).parent
NOT_RUN = "not run"
HEAD = """\
# What goes wrong, and what happens then

Every row is a fault that was tried, on real machines unless it says otherwise: systemd and sshd in
namespaces, see [lab.md](lab.md). Behind each test stands how it ended when it was last run for this
page, by `make faults`, which needs root. A link leads to the file of the test.
"""
SECTIONS = {
    "The network": NETWORK,
    "The machine": MACHINE,
    "Failover": FAILOVER,
    "Many machines": SCALE,
}


def shown_by(folder: Path = TESTS) -> dict[str, list[str]]:
    """Return the node IDs of the tests that carry the marker of each row."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        source = path.read_text()
        if "mark.row(" not in source:
            continue
        for function in ast.parse(source).body:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                node = f"{path.relative_to(folder.parent)}::{function.name}"
                for row in _marked(function):
                    found.setdefault(row, []).append(node)
    return found


def _marked(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.row":
            yield from (str(ast.literal_eval(word)) for word in decorator.args)


def results_on(page: str) -> dict[str, str]:
    """Return the result of each test on a page, by its node ID."""
    links = re.findall(r"\[([^]]+)\]\(\.\./([^)]+)\): (not run|[a-z]+)", page)
    return {f"{path}::test_{words.replace(' ', '_')}": said for words, path, said in links}


def page(tests: Mapping[str, list[str]], results: Mapping[str, str]) -> str:
    """Write the page."""
    parts = [HEAD]
    for title, rows in SECTIONS.items():
        lines = ["| row | fault | what must happen | tests |", "|---|---|---|---|"]
        lines += [_line(row, tests.get(row.name, []), results) for row in rows]
        parts.append("\n".join([f"## {title}", "", *lines, ""]))
    return "\n".join(parts)


def _line(row: Row, tests: list[str], results: Mapping[str, str]) -> str:
    fault = f"{row.fault}<br>How: {row.how}" if row.how else row.fault
    shown = "<br>".join(_test(test, results.get(test, NOT_RUN)) for test in tests)
    return f"| {row.name} | {fault} | {row.demand} | {shown or 'not shown yet'} |"


def _test(node: str, result: str) -> str:
    path, name = node.split("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path}): {result}"


class FaultsPage:
    """A plugin that listens to how tests end, and writes the page at the end of the run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended: dict[str, set[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember how a test went; of several with parameters, the worst counts."""
        if report.when == "call" or report.outcome != "passed":
            node = report.nodeid.partition("[")[0]
            self._ended.setdefault(node, set()).add(report.outcome)

    def pytest_sessionfinish(self) -> None:
        """Write the page; what did not run keeps its result."""
        before = results_on(self._path.read_text()) if self._path.exists() else {}
        now = {node: _worst(outcomes) for node, outcomes in self._ended.items()}
        self._path.write_text(page(shown_by(), {**before, **now}))


def _worst(outcomes: set[str]) -> str:
    return next(word for word in ("failed", "skipped", "passed") if word in outcomes)

"""docs/faults.md names every row and exactly the tests that show it."""

import re
from pathlib import Path

import pytest

from tests.fault_rows import NOT_SHOWN_YET, ROWS
from tests.faults_page import FaultsPage, page, results_on, shown_by

PAGE = (Path(__file__).parent.parent / "docs/faults.md").read_text()
NAMES = {row.name for row in ROWS}
HINT = "run `make faults`, or some of it: see tests/faults_page.py"


def test_every_row_has_a_test_or_is_known_to_have_none_yet() -> None:
    shown = shown_by().keys()

    assert shown - NAMES == set(), "no such row"
    assert NAMES - shown == NOT_SHOWN_YET


def test_the_page_is_what_would_be_written_now() -> None:
    assert page(shown_by(), results_on(PAGE)) == PAGE, HINT


def test_on_the_page_every_test_has_passed() -> None:
    results = results_on(PAGE)

    assert results.keys() == {node for nodes in shown_by().values() for node in nodes}
    assert set(results.values()) == {"passed"}, HINT


def test_every_row_is_on_the_page_once() -> None:
    rows = re.findall(r"^\| ([ACGJ]\d+) \|", PAGE, re.MULTILINE)

    assert rows == [row.name for row in ROWS]


def test_markers_are_found_in_the_source(tmp_path: Path) -> None:
    folder = tmp_path / "tests/lab"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text(
        "import pytest\n"
        '@pytest.mark.row("A1", "A2")\n'
        '@pytest.mark.row("C1")\n'
        "def test_one() -> None: ...\n"
        "@pytest.mark.slow\n"
        "def test_two() -> None: ...\n"
    )

    found = shown_by(tmp_path / "tests")

    assert found == {row: ["tests/lab/test_x.py::test_one"] for row in ("A1", "A2", "C1")}


@pytest.mark.parametrize("row", ["A1", "C22"])
def test_a_result_is_kept_until_the_test_runs_again(tmp_path: Path, row: str) -> None:
    path = tmp_path / "faults.md"
    node = shown_by()[row][0]
    ended = FaultsPage(path)
    for outcome in ("passed", "failed", "passed"):
        ended.pytest_runtest_logreport(_report(f"{node}[{outcome}]", outcome))
    ended.pytest_sessionfinish()
    assert results_on(path.read_text())[node] == "failed"

    FaultsPage(path).pytest_sessionfinish()
    assert results_on(path.read_text())[node] == "failed"

    again = FaultsPage(path)
    again.pytest_runtest_logreport(_report(node, "passed"))
    again.pytest_sessionfinish()
    assert results_on(path.read_text())[node] == "passed"


def _report(node: str, outcome: str) -> pytest.TestReport:
    where = ("", None, "")
    return pytest.TestReport(node, where, {}, outcome, None, "call")  # type: ignore[arg-type]

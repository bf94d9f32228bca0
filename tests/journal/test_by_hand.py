"""The commands of docs/journal.md, run as they stand there."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journal.lines import STORY, lines
from tests.lab.user import LONGEST, PROJECT

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")

PAGE = (PROJECT / "docs/journal.md").read_text()
ONE, ALL, CHAIN = re.findall(
    r"^```sh\n(.*?)^```",
    PAGE.partition("## Check it by hand\n")[2].partition("\n## ")[0],
    re.MULTILINE | re.DOTALL,
)
LINES = lines(STORY)


def printed(script: str, journal: list[bytes], folder: Path) -> list[str]:
    (folder / "journal.jsonl").write_bytes(b"".join(journal))
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=True,
    )
    return done.stdout.split()


def test_the_sum_of_one_line_comes_out_the_same(tmp_path: Path) -> None:
    computed, _, written = printed(ONE, LINES, tmp_path)
    assert computed == written == json.loads(LINES[2])["sum"]


def test_bad_sums_are_listed_by_line(tmp_path: Path) -> None:
    assert printed(ALL, LINES, tmp_path) == []
    damaged = [line.replace(b"fewest", b"FEWEST") for line in LINES]
    assert printed(ALL, damaged, tmp_path) == ["line", "6"]


def test_breaks_in_the_chain_are_listed_by_number(tmp_path: Path) -> None:
    assert printed(CHAIN, LINES, tmp_path) == []
    assert printed(CHAIN, LINES[:3] + LINES[4:], tmp_path) == ["5"]


def test_the_example_of_a_line_is_one(tmp_path: Path) -> None:
    example, *_ = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert printed(ALL, [example.encode()], tmp_path) == []

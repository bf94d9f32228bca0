"""docs/json.md has every field of every document, and no other."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.schema import DOCUMENTS, Strict

PAGE = (Path(__file__).parent.parent / "docs/json.md").read_text()
SECTIONS = {
    "plan": "plan, and --dry-run of any verb",
    "reconcile": "reconcile",
    "start": "submit, load, start, restart, stop, unload, destroy",
    "explain": "explain",
    "verify": "verify",
    "journal-repair": "journal-repair",
    "adopt": "adopt",
    "doctor": "doctor",
}


def documented(heading: str, text: str) -> set[str]:
    """Return the fields in the table under a heading."""
    below = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    table = re.split(r"^#", below, maxsplit=1, flags=re.MULTILINE)[0]
    cells = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def names(of: type[Strict]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(of)}


@pytest.mark.parametrize("verb", DOCUMENTS)
def test_every_field_of_a_document_is_described_and_no_other(verb: str) -> None:
    assert documented(SECTIONS[verb], PAGE) == names(DOCUMENTS[verb])


@pytest.mark.parametrize("verb", DOCUMENTS)
def test_every_field_of_an_item_is_described_and_no_other(verb: str) -> None:
    for field in msgspec.structs.fields(DOCUMENTS[verb]):
        of = getattr(field.type, "__args__", (None,))[0]
        if isinstance(of, type) and issubclass(of, Strict):
            heading = next(
                line
                for line in re.findall(r"^### (.*)$", PAGE, re.MULTILINE)
                if field.encode_name in line.split(", ")
            )
            assert documented(heading, PAGE) == names(of), field.name
